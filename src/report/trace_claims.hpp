#pragma once

#include "claims.hpp"
#include "figure_input.hpp"

#include <vector>

namespace orrery::report {

/// What a trace says of the paper's claims on continuity, velocity, density, rotations, dimension and
/// curvature, in the order of the paper. What the file lacks is NaN.
std::vector<Claim> trace_claims(const Run& trace);

}  // namespace orrery::report
