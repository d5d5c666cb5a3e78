#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace orrery::statistics {

/// Means and standard deviations down the columns of a table with a line a row: in the order of lines, over
/// those that are not NaN (n of them, divisor n − 1); NaN where all are, or n < 2.
struct RowSpread {
  RowSpread(std::span<const double> table, std::int64_t columns);
  std::vector<double> mean;                ///< (columns)
  std::vector<double> standard_deviation;  ///< (columns)
};

}  // namespace orrery::statistics
