#pragma once

#include "orrery/statistics/row_statistic.hpp"

namespace orrery::statistics {

// How a row's stream goes on from one capture point to the next (science.md, section 1).

/// cos(x[s], x[s+1])
class RowCosine final : public RowStatistic {
 public:
  RowDescription describe(std::int64_t units) const override;
  double at_step(const RowStep& step) const override;
};

/// ‖x[s+1] − x[s]‖₂
class RowVelocity final : public RowStatistic {
 public:
  RowDescription describe(std::int64_t units) const override;
  double at_step(const RowStep& step) const override;
};

/// The same over ‖x[s]‖₂.
class RowRelativeVelocity final : public RowStatistic {
 public:
  RowDescription describe(std::int64_t units) const override;
  double at_step(const RowStep& step) const override;
};

}  // namespace orrery::statistics
