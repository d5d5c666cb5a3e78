#pragma once

#include "orrery/statistics/row_statistic.hpp"

namespace orrery::statistics {

// How long a stream is, and how its activations are spread over the units (science.md, section 1).

/// ‖x‖₂
class RowNorm final : public RowStatistic {
 public:
  RowDescription describe(std::int64_t units) const override;
  double at_point(const RowPoint& point) const override;
};

/// The mean of |x| over units.
class RowAbs final : public RowStatistic {
 public:
  RowDescription describe(std::int64_t units) const override;
  double at_point(const RowPoint& point) const override;
};

/// The fraction of units with |x| > τ.
class RowActive final : public RowStatistic {
 public:
  static constexpr double threshold = 0.1;  ///< τ of science.md
  RowDescription describe(std::int64_t units) const override;
  double at_point(const RowPoint& point) const override;
};

/// Hoyer's sparsity (√D − ‖x‖₁/‖x‖₂)/(√D − 1); NaN where D = 1, too.
class RowHoyer final : public RowStatistic {
 public:
  RowDescription describe(std::int64_t units) const override;
  double at_point(const RowPoint& point) const override;
};

/// The excess kurtosis m₄/m₂² − 3 over units.
class RowKurtosis final : public RowStatistic {
 public:
  RowDescription describe(std::int64_t units) const override;
  double at_point(const RowPoint& point) const override;
};

}  // namespace orrery::statistics
