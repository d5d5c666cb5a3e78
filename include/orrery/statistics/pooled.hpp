#pragma once

#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/shards.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace orrery::statistics {

/// One PCA over the rows of all points (science.md, section 3): N·P rows, K′ = min(N·P − 1, D) eigenvalues of
/// the covariance with divisor N·P − 1, k′ = min(`components`, K′) vectors. The same on all ranks.
struct PooledComponents {
  at::Tensor mean;        ///< (D) float64
  at::Tensor eigenvalue;  ///< (K′) float64, descending; 0 beyond the rank
  at::Tensor component;   ///< (k′, D) float64; NaN beyond the rank, signs as PointStatistics::component
};

/// Rows `first` … `first + height − 1` of the scatter matrix of a rank's `place`-th point, from column
/// `first` on: (height, D − first) float64. About which mean, the maker says. Called by threads at once.
using ScatterPanel = std::function<at::Tensor(std::int64_t place, std::int64_t first, std::int64_t height)>;

/// Panels of the points of `shard`, about `mean` (D), from its rows. `shard` must stay.
ScatterPanel scatter_of_rows(const PointShard& shard, const at::Tensor& mean);

/// Panels about `mean` (D) from those `about_own_mean`, of points with `samples` rows each and `means` (p,
/// D): C + N (a − mean)(a − mean)ᵀ.
ScatterPanel scatter_of_moments(const ScatterPanel& about_own_mean, const at::Tensor& means,
                                std::int64_t samples, const at::Tensor& mean);

/// Collective: the mean (D) of all rows at all points, on all ranks, from the means (p, D) of each rank's
/// points; exact where they are equal.
at::Tensor pooled_mean(const parallel::Communicator& ranks, const at::Tensor& means);

/// The scatter matrix of all rows at all points, as the sum over points in order: so that its bits don't
/// depend on the ranks. Panels of rows go down the chain of ranks, each adds its points; the last rank holds
/// the sum, the others a panel a point.
class PooledScatter {
 public:
  /// Collective.
  PooledScatter(const parallel::Communicator& ranks, std::int64_t units);

  /// Collective: adds this rank's next `count` points, which come after those of the ranks before it, and
  /// after all that were added earlier. `panel` is about the pooled mean; each panel's points are worked out
  /// by `threads` threads before the rank waits for what comes down the chain.
  void add(std::int64_t count, const ScatterPanel& panel, int threads);

  /// Collective: the PCA of `rows` = N·P rows with that `mean`. Once, after all points. `rounding` is the
  /// most that rounding of the rows may have made of an eigenvalue of the sum that is 0.
  PooledComponents components(const at::Tensor& mean, std::int64_t rows, std::int64_t components,
                              double rounding = 0);

 private:
  bool is_last() const { return ranks_.rank() + 1 == ranks_.size(); }
  void receive_sum(at::Tensor& panel, std::int64_t first) const;
  void pass_on(const at::Tensor& panel, std::int64_t first);

  const parallel::Communicator& ranks_;
  std::int64_t units_;
  bool empty_ = true;
  at::Tensor sum_;  ///< (D, D) on the last rank, upper triangle
};

/// Collective: the pooled PCA of the `count` points of each rank, in one go.
PooledComponents pooled_components(const parallel::Communicator& ranks, const Extent& extent,
                                   std::int64_t count, const ScatterPanel& panel, const at::Tensor& mean,
                                   std::int64_t components, int threads);

}  // namespace orrery::statistics
