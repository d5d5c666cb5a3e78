#pragma once

#include "orrery/core/index.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/shards.hpp"
#include "orrery/statistics/spectrum.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace orrery::statistics {

/// The principal components of the rows at each capture point (science.md, section 3). K = min(N − 1, D)
/// eigenvalues and k = min(`components`, K) vectors a point.
struct PointStatistics {
  // This rank's points, in the order of its PointShard.
  std::vector<core::Point> points;  ///< p of them, ascending
  at::Tensor mean;                  ///< (p, D) float64
  at::Tensor eigenvalue;            ///< (p, K) float64, descending; 0 beyond the rank
  /// (p, k, D) float64, orthonormal rows; NaN beyond the rank. An entry of largest magnitude is positive, the
  /// first of those that are equal as float32: so the rule holds in a float32 file too.
  at::Tensor component;

  std::vector<Spectrum> spectrum;  ///< (P) on rank 0, empty elsewhere
};

/// Collective: the PCA of each of `shard`'s points, each on one thread, from the Gram matrix of the centred
/// rows where N ≤ D and from the covariance matrix otherwise: the same bits for any number of ranks and
/// threads.
PointStatistics point_statistics(const parallel::Communicator& ranks, const PointShard& shard,
                                 const Extent& extent, std::int64_t components, int threads);

/// What the rows of a point leave behind where they are not kept.
struct PointScatter {
  at::Tensor matrix;    ///< (D, D) float64 and contiguous: (N − 1)·C
  double rounding = 0;  ///< the most that rounding of the rows may have made of an eigenvalue that is 0
};

/// That of the `place`-th of a rank's points. Called by threads at once, each for a place of its own.
using ScatterOfPoint = std::function<PointScatter(std::int64_t place)>;

/// Collective: the same from moments: `means` (p, D) float64 of this rank's `points`, which are those of its
/// PointShard, and their scatter matrices, of which as many are in memory as there are threads. A unit counts
/// as constant where its diagonal entry is 0.
PointStatistics point_statistics_of_scatter(const parallel::Communicator& ranks,
                                            const std::vector<core::Point>& points, const at::Tensor& means,
                                            const ScatterOfPoint& scatter, const Extent& extent,
                                            std::int64_t components, int threads);

}  // namespace orrery::statistics
