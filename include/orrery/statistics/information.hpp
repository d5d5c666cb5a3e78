#pragma once

#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/shards.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace orrery::statistics {

/// B, the bins a side of the grid that mutual information is estimated on: ⌊√(N/5)⌋, at least 2, at most 32.
std::int64_t information_bins(std::int64_t samples);

/// Mutual information of each unit's values at neighbouring points, in nats (science.md, section 1): the
/// plug-in estimate on a B×B grid of equal-frequency bins, less the bias of Miller and Madow. A value of rank
/// r from 0 falls in bin ⌊rB/N⌋, equal values share the lowest of their ranks. The result of independent
/// values lies around 0 and may be negative; that of a unit which is constant at s or s + 1 (all are at N =
/// 1) is NaN.
struct MutualInformation {
  /// (P − 1, u) float32, points s and s + 1; columns of this rank's units, in the order of its UnitShard.
  at::Tensor of_units;
  /// (P − 1) over the units that vary at both points; NaN where none does. On rank 0, empty elsewhere.
  std::vector<double> mean;
};

/// Collective: the mutual information of `shard`'s units: the same bits for any number of ranks and threads.
MutualInformation mutual_information(const parallel::Communicator& ranks, const UnitShard& shard,
                                     const Extent& extent, int threads);

}  // namespace orrery::statistics
