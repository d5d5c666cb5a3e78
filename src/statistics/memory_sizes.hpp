#pragma once

#include <cstdint>

namespace orrery::statistics {

/// Bytes of a double, the type that sums and statistics are kept in.
constexpr std::int64_t number_bytes = sizeof(double);

/// What LibTorch's BLAS keeps for itself in each thread that multiplies matrices, in bytes, as measured with
/// the CPU wheel.
constexpr std::int64_t library_scratch = 15'000'000;

}  // namespace orrery::statistics
