#pragma once

#include "claims.hpp"
#include "figure_input.hpp"

#include <vector>

namespace orrery::report {

/// What a sweep says of the paper's claims on streams that are moved: of teleports, or where there are none
/// of its first case. What the file lacks is NaN.
std::vector<Claim> sweep_claims(const Run& sweep);

}  // namespace orrery::report
