#pragma once

#include "orrery/statistics/jackknife.hpp"
#include "row_access.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace orrery::statistics {

/// One unit's values about their means, and the sums that its statistics are made of. Scratch that is filled
/// anew for each unit, so that a block of units allocates once.
class UnitMoments {
 public:
  UnitMoments(std::int64_t points, std::int64_t samples);

  /// Takes x (P, N) of a unit.
  template <class T>
  void assign(const T* x);

  double mean(std::int64_t point) const { return mean_[point]; }
  double variance(std::int64_t point) const;
  bool varies(std::int64_t point) const { return product(point, point) > 0; }
  /// Pearson correlation of two points, exactly 1 with itself; NaN where the unit is constant at either.
  double correlation(std::int64_t one, std::int64_t other) const;
  /// σ_s/√(σ_s² + σ_Δ²); NaN where the unit is constant at s or s + 1.
  double residual_null(std::int64_t step) const;

  /// The adjacent correlation and the null of each step without the samples of `blocks`' block `left_out`.
  /// Needs `sum_blocks` first.
  void sum_blocks(const SampleBlocks& blocks);
  void leave_out(const SampleBlocks& blocks, std::int64_t left_out, double* correlation, double* null) const;

 private:
  /// Sums over one block of samples, or over all but one, at a point s and for the step to s + 1.
  struct Sums {
    double count = 0;
    double value = 0;    ///< Σ y
    double square = 0;   ///< Σ y²
    double product = 0;  ///< Σ y[s] y[s+1]
    double change = 0;   ///< Σ (y[s+1] − y[s])²
    double first = 0;    ///< the first y
    bool level = true;   ///< whether all are equal to it
    void add(const Sums& other);
  };

  template <class T>
  void centre(const T* x, std::int64_t point);
  double product(std::int64_t one, std::int64_t other) const { return products_[one * points_ + other]; }
  const double* centred(std::int64_t point) const { return y_ + point * samples_; }

  std::int64_t points_;
  std::int64_t samples_;
  std::vector<double> mean_;
  at::Tensor centred_;        // (P, N) y = x − mean; exactly 0 where constant
  at::Tensor product_;        // (P, P) Σ y[s] y[t]
  double* y_;                 // of centred_
  double* products_;          // of product_
  std::vector<Sums> blocks_;  // (blocks, P)
};

}  // namespace orrery::statistics
