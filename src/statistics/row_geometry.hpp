#pragma once

#include "orrery/statistics/row_statistic.hpp"

namespace orrery::statistics {

// How a row's way through the points bends (science.md, section 3).

/// The angle between successive steps.
class RowCurvature final : public RowStatistic {
 public:
  RowDescription describe(std::int64_t units) const override;
  double at_bend(const RowBend& bend) const override;
};

/// Arc length over end-to-end distance.
class RowStraightness final : public RowStatistic {
 public:
  RowDescription describe(std::int64_t units) const override;
  double of_path(const RowPath& way) const override;
};

}  // namespace orrery::statistics
