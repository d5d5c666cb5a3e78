#pragma once

#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/point_statistics.hpp"
#include "orrery/statistics/pooled.hpp"
#include "orrery/statistics/sample_statistics.hpp"
#include "orrery/statistics/shards.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace orrery::statistics {

/// The pooled scores z = V(x − μ) (science.md, section 3).
struct PooledScores {
  at::Tensor score;  ///< (p, N, k′) float64 of this rank's points; NaN beyond the pooled rank
  // On rank 0, undefined elsewhere.
  at::Tensor mean_score;   ///< (P, k′) float64, over rows
  at::Tensor score_range;  ///< (2, P, k′) float64, the least and the greatest over rows
};

/// The scores (r, k′) float64 of `rows` (r, D), float32 or float64 and contiguous. A row's score does not
/// depend on the rows beside it, nor on how many there are: equal rows have equal scores.
at::Tensor scores_of(const at::Tensor& rows, const PooledComponents& pooled);

/// Collective: the scores of all rows. The same bits for any number of ranks and threads.
PooledScores pooled_scores(const parallel::Communicator& ranks, const PointShard& shard,
                           const PooledComponents& pooled, int threads);

/// The angles (P − 2) between successive steps of one row in the plane of the first two pooled components,
/// from its `plane` scores (P, 2); NaN where a step is zero or a score NaN.
void plane_bends(std::span<const double> plane, std::span<double> bends);

/// Collective: those of all rows (P − 2) on rank 0, from the scores (p, N, k′) of each rank's points; NaN
/// where k′ < 2.
RowSeries plane_curvature(const parallel::Communicator& ranks, const at::Tensor& score, const Extent& extent);

/// Collective: the principal angles between the leading subspaces of points s and s + 1, in radians: (P − 1,
/// k) float64 on rank 0, undefined elsewhere. Ascending, of dimension min(k, both ranks), NaN beyond. Those
/// below π/4 come from the singular values of the sine (Björck and Golub 1973), so that equal subspaces have
/// angles near 1e-15. The same bits for any number of ranks and threads.
at::Tensor principal_angles(const parallel::Communicator& ranks, const PointStatistics& points, int threads);

}  // namespace orrery::statistics
