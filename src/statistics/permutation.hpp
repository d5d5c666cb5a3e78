#pragma once

#include <cstdint>
#include <span>

namespace orrery::statistics {

/// Throws internal_error unless `places` is a permutation of 0 … count − 1.
void check_permutation(std::span<const std::int64_t> places, std::int64_t count);

}  // namespace orrery::statistics
