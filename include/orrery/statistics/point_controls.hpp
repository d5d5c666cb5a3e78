#pragma once

#include "orrery/core/index.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/shards.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace orrery::statistics {

/// Means over rows of what is measured at each step of a control; on rank 0, empty elsewhere.
struct StepMeans {
  std::vector<double> cosine;    ///< (P − 1); rows where it is NaN are left out, NaN where all are
  std::vector<double> velocity;  ///< (P − 1)
};

/// The row shown at each of the N places of a point: a permutation of 0 … N − 1.
using RowsShown = std::function<std::vector<std::int64_t>(core::Point)>;

/// Collective: the steps of the control `sample_permuted` (science.md, section 1): cosine and distance
/// between the rows shown at the same place of points s and s + 1. Throws internal_error on all ranks where
/// `rows_shown` gives no permutation. The same bits for any number of ranks and threads.
StepMeans sample_permuted_steps(const parallel::Communicator& ranks, const PointShard& shard,
                                const RowsShown& rows_shown, int threads);

}  // namespace orrery::statistics
