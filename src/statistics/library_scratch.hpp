#pragma once

#include <cstdint>

namespace orrery::statistics {

/// What LibTorch's BLAS keeps for itself in each thread that multiplies matrices, as measured with the CPU
/// wheel.
constexpr std::int64_t library_scratch = 15'000'000;

}  // namespace orrery::statistics
