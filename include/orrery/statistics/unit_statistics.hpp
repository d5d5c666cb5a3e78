#pragma once

#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/shards.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace orrery::statistics {

/// What is measured on each unit by itself, and the means of it over units (science.md, section 1).
///
/// A unit is constant at a point where max = min there (all are at N = 1): its correlations with that point
/// are NaN, left out of means and counted. The residual null[s] is taken over the same units as the
/// correlation beside it, those that vary at both s and s + 1, so that σ_s > 0 and the null is never 0/0.
struct UnitStatistics {
  // This rank's units, in the order of its UnitShard; laid out as the columns of the file's datasets.
  std::vector<std::int64_t> units;  ///< u of them, ascending
  at::Tensor mean;                  ///< (P, u) float64, over samples
  at::Tensor variance;              ///< (P, u) float64, divisor N − 1
  at::Tensor adjacent_correlation;  ///< (P − 1, u) float32, points s and s + 1

  // Means over units; on rank 0, empty elsewhere.
  std::vector<double> correlation;              ///< (P, P)
  std::vector<std::int64_t> correlation_units;  ///< (P, P) units that the mean is over
  std::vector<double> residual_null;            ///< (P − 1)
  // The same without one block of samples (jackknife.hpp), for standard errors: (blocks, P − 1)
  std::vector<double> adjacent_left_out;
  std::vector<double> residual_null_left_out;
};

/// Collective: the statistics of `shard`'s units, in double precision from centred values, and their means
/// over all units, added up in blocks of `unit_block`: the same bits for any number of ranks and threads.
UnitStatistics unit_statistics(const parallel::Communicator& ranks, const UnitShard& shard,
                               const Extent& extent, int threads);

}  // namespace orrery::statistics
