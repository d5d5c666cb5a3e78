#pragma once

#include "orrery/core/state.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/gram_sums.hpp"
#include "orrery/statistics/quanta.hpp"
#include "orrery/statistics/shards.hpp"
#include "orrery/statistics/unit_statistics.hpp"

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

namespace orrery::statistics {

/// What one pass over the rows adds up, beside their extremes.
struct PassContent {
  bool units = true;  ///< products of all pairs of points, for each unit
  PointRange points;  ///< whose covariances; with `units` off, all rows were in a pass with it on before
};

/// First and second moments of rows that are seen once and forgotten: memory does not grow with their number.
/// Sums are exact, of rows rounded to `Quanta`, a row's dither being a hash of its last point: the same bits
/// for any number of ranks and threads, any order of the rows and any dealing of them. Rows in another basis
/// are rows like others: a second one of these, with quanta from that basis' pilot and `units` alone, takes
/// them.
///
/// Life: `add` for every round of rows; `must_repeat` once; if it says no, the results. If yes, the sums are
/// void, but `extremes` are of all rows: the whole pass again with Quanta::of_all_rows will not say yes.
class StreamedMoments {
 public:
  /// Of no rows. `extent.samples` does not matter: rows are counted.
  StreamedMoments(const Extent& extent, Quanta quanta, const PassContent& content);

  /// The bytes that one holds, and of `add`'s work on `threads` threads; LibTorch's own apart.
  static std::int64_t bytes(const Extent& extent, const PassContent& content, int threads);

  /// Adds rows (m, P, D), float32 or float64, which must be finite (`find_fault`). Products are cheaper
  /// by the hundred rows than by the dozen. Once a value is beyond the headroom, only extremes go on.
  void add(const at::Tensor& rows, int threads);

  /// Collective: whether any value on any rank was beyond the headroom, or, with `content.units`, some unit
  /// that varies does so by too few quanta for correlations to 10⁻⁶ (`Quanta`). Merges extremes over ranks,
  /// and brings each unit's sums to the rank that `by_unit` gives the unit.
  bool must_repeat(const parallel::Communicator& ranks);

  /// Collective: each sum so far to the rank that `must_repeat` and `reduce_points` will bring it to, so that
  /// all ranks' `save` together write it once. Rows may be added afterwards.
  void gather(const parallel::Communicator& ranks);
  void save(core::StateWriter& state);
  /// Adds what moments of the same extent, quanta and content have saved.
  void add_saved(core::StateReader& state);

  const Quanta& quanta() const { return quanta_; }
  /// Of all rows after `must_repeat`, of this rank's before.
  const Extremes& extremes() const { return extremes_; }

  /// Collective, with `content.units`: the same as unit_statistics from kept rows, from the exact sums, but
  /// for the values without a block of samples, which stay empty.
  UnitStatistics unit_statistics(const parallel::Communicator& ranks, int threads) const;
  /// Gives the memory of the units' sums back.
  void release_units() { unit_sums_ = GramSums(0, extent_.points); }

  /// Collective: brings the sums of each of `content.points` to the rank that `by_point` gives the point.
  /// The functions below are for this rank's.
  void reduce_points(const parallel::Communicator& ranks);

  std::vector<double> mean(std::int64_t point) const;  ///< (D)
  /// (D, D) float64: (N − 1) times the covariance; lines of constant units are exactly 0.
  at::Tensor scatter(std::int64_t point) const;
  /// Rows first … first + height − 1 of it, columns first … D − 1: (height, D − first).
  at::Tensor scatter_panel(std::int64_t point, std::int64_t first, std::int64_t height) const;
  /// Gives the memory of a point's sums back.
  void release(std::int64_t point) { point_sums_.release(point - content_.points.begin); }

 private:
  void add_point(const at::Tensor& rows, std::span<const double> dither, std::int64_t point);
  void add_units(const at::Tensor& rows, std::span<const double> dither, std::int64_t first_unit);
  bool too_coarse(std::int64_t unit) const;
  double mean(const GramSums& sums, std::int64_t item, std::int64_t i, std::int64_t point,
              std::int64_t unit) const;
  void scale_rows(std::int64_t point, std::int64_t first, std::int64_t height, double* to,
                  std::int64_t stride) const;

  Extent extent_;
  Quanta quanta_;
  PassContent content_;
  Extremes extremes_;
  GramSums unit_sums_;   // an item a unit, points × points
  GramSums point_sums_;  // an item a point of the pass, units × units
  std::atomic<bool> overflow_ = false;
};

}  // namespace orrery::statistics
