#pragma once

#include "orrery/core/point_map.hpp"
#include "orrery/statistics/shards.hpp"

#include <cstdint>

namespace orrery::statistics {

/// What `trace_statistics` is asked for.
struct StatisticsOptions {
  std::int64_t components = 64;      ///< leading eigenvectors kept, `--components`
  int threads = 1;                   ///< units' blocks and points in hand at once, `--threads`
  std::int64_t permutations = 1000;  ///< draws of each null a unit, `--permutations`
  std::uint64_t seed = 0;            ///< of all random numbers, `--seed`
  core::PointMap points{};           ///< of the model: which of the P points share a layer
};

/// The bytes that `trace_statistics` needs at its peak on the rank that needs most, beyond its SampleShard of
/// rows of `row_bytes` (4 or 8) a number: shards, blocks on their way, what is being worked on, and what
/// LibTorch's BLAS keeps in each thread. Within about a tenth of the resident memory, where samples are
/// shared evenly.
std::int64_t statistics_bytes(const Extent& extent, int ranks, const StatisticsOptions& options,
                              std::int64_t row_bytes);

/// The floating-point operations of `trace_statistics` over all ranks, to within a factor of about two (an
/// eigenproblem's depend on its matrix).
double statistics_flops(const Extent& extent, std::int64_t permutations);

/// Those of StreamedStatistics, in the same manner.
double streaming_flops(const Extent& extent, std::int64_t permutations);

}  // namespace orrery::statistics
