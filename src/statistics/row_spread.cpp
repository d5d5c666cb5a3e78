#include "row_spread.hpp"

#include "vectors.hpp"

#include <cmath>

namespace orrery::statistics {

// Line by line, so that the table is read in its own order.
RowSpread::RowSpread(std::span<const double> table, std::int64_t columns)
    : mean(columns), standard_deviation(columns) {
  std::vector<double> count(columns);
  const auto each_number = [&](const auto& use) {
    for (auto line = table; !line.empty(); line = line.subspan(columns)) {
      for (std::int64_t column = 0; column < columns; ++column) {
        if (!std::isnan(line[column])) use(column, line[column]);
      }
    }
  };
  each_number([&](std::int64_t column, double value) {
    mean[column] += value;
    count[column] += 1;
  });
  for (std::int64_t column = 0; column < columns; ++column) mean[column] = ratio(mean[column], count[column]);
  each_number([&](std::int64_t column, double value) {
    standard_deviation[column] += (value - mean[column]) * (value - mean[column]);
  });
  for (std::int64_t column = 0; column < columns; ++column) {
    standard_deviation[column] = std::sqrt(ratio(standard_deviation[column], count[column] - 1));
  }
}

}  // namespace orrery::statistics
