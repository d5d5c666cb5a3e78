#pragma once

#include "orrery/core/state.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/shards.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace orrery::statistics {

/// The least and the greatest value of each unit at each capture point, over rows. −0 counts as +0, so that
/// their order cannot matter.
class Extremes {
 public:
  /// Of no rows: +infinity and −infinity.
  explicit Extremes(const Extent& extent);

  /// Takes rows (m, P, D), float32 or float64, which must be finite (`find_fault`).
  void add(const at::Tensor& rows, int threads);
  /// The same at one capture point: for several threads, each at points of its own.
  void add_point(const at::Tensor& rows, std::int64_t point);
  /// Collective: over the rows of all ranks, on all. May be called again after more rows.
  void reduce(const parallel::Communicator& ranks);

  void save(core::StateWriter& state) const;
  /// Takes in the extremes that another of the same size has saved.
  void add_saved(core::StateReader& state);

  std::int64_t points() const { return std::ssize(least_) / units_; }
  std::int64_t units() const { return units_; }
  double least(std::int64_t point, std::int64_t unit) const { return least_[point * units_ + unit]; }
  double greatest(std::int64_t point, std::int64_t unit) const { return greatest_[point * units_ + unit]; }
  /// Whether the unit has more than one value at the point.
  bool varies(std::int64_t point, std::int64_t unit) const {
    return least(point, unit) < greatest(point, unit);
  }

 private:
  std::int64_t units_;
  std::vector<double> least_;     // (P, D)
  std::vector<double> greatest_;  // (P, D)
};

/// The integers that rows become so that sums of their products are exact: q = (x − shift)/scale + dither to
/// the nearest, with a shift and a power of two as scale for each unit at each capture point, and a dither
/// between −1/2 and 1/2 for each row. |q| ≤ 2³⁰ is the headroom; numbers above 2²⁶ are dearer to multiply.
///
/// The dither makes the errors of different rows independent and 0 on average, also where many rows have the
/// same value: early points have few distinct rows, and 600 equal errors in 667 rows don't average out. A
/// number that is a multiple of its quantum stays exact, so a constant unit stays constant.
///
/// How fine quanta must be: let y be a unit's N values in quanta about their mean, and ‖y‖² = Σ y². An
/// error's spread is 1/2 at most, and so, to first order, that of a mean in units of σ is 1/(2‖y‖), of a
/// variance relative to it 1/‖y‖, and of a correlation or of C_ij/√(C_ii C_jj) 1/(√2 ‖y‖) where both units
/// have as little. With ‖y‖ ≥ `least_norm` = 2²³, 10⁻⁶ is eight spreads. The second order raises variances by
/// 1/(4 σ²) of their value: 10⁻⁷ for σ ≥ `least_spread` = 2¹¹ quanta. On SmolLM2's 667 last tokens, 150
/// pilots: ‖y‖ ≥ 2²⁴.
class Quanta {
 public:
  static constexpr double headroom = 0x1p30;
  static constexpr double least_norm = 0x1p23;
  static constexpr double least_spread = 0x1p11;

  /// Collective: from the extremes of a few rows, each rank's own before `Extremes::reduce`. The shift is
  /// midway between them, and the unit's farthest pilot value is 2²³ … 2²⁴ quanta from it: what comes later
  /// may be 64 times as far, and at four times begins to be dearer. A unit's range counts as that of its
  /// point's median unit at least: half of the pilots of SmolLM2's last tokens, nearly all " .", have a unit
  /// whose range is so small by chance that a later row goes beyond the headroom; with this floor 1 in 80.
  /// Where most units don't vary, the floor is 2⁻⁸ of the largest range; at a point without any range,
  /// |shift| stands for it.
  static Quanta of_pilot(const parallel::Communicator& ranks, Extremes pilot);

  /// Collective: from the extremes of all rows. The farthest value is 2²³ … 2²⁴ quanta from the shift: with σ
  /// a quarter of it, 512 rows go into one exact product. Then ‖y‖ ≥ √2·2²³ for every unit that varies.
  static Quanta of_all_rows(const parallel::Communicator& ranks, Extremes extremes);

  /// The same again, of (P, D) numbers.
  static Quanta load(core::StateReader& state, const Extent& extent);
  void save(core::StateWriter& state) const;

  const at::Tensor& shift() const { return shift_; }  ///< (P, D) float64
  const at::Tensor& scale() const { return scale_; }  ///< (P, D) float64, powers of two
  const double* shift(std::int64_t point) const { return shift_.const_data_ptr<double>() + point * units(); }
  const double* scale(std::int64_t point) const { return scale_.const_data_ptr<double>() + point * units(); }
  /// 1/scale.
  const double* density(std::int64_t point) const { return density_.data() + point * units(); }
  /// The most that rounding of a point's `rows` rows may have made of an eigenvalue of their scatter matrix
  /// that is 0: N Σ scale² over the units that vary in `extremes`, those of all rows. A number is moved by
  /// less than its quantum, half by the dither and half by the rounding, and no singular value of the rows by
  /// more than the Frobenius norm of what moved them.
  double rounding(std::int64_t point, std::int64_t rows, const Extremes& extremes) const;
  /// Whether they come from all rows, so that none would be better.
  bool finest() const { return finest_; }

 private:
  Quanta(const Extremes& extremes, bool finest);
  Quanta(core::StateReader& state, const Extent& extent);
  static Quanta agreed(const parallel::Communicator& ranks, Extremes extremes, bool finest);
  std::int64_t units() const { return scale_.size(1); }

  at::Tensor shift_;
  at::Tensor scale_;
  std::vector<double> density_;  // (P, D)
  bool finest_;
};

}  // namespace orrery::statistics
