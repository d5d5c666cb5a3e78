#include "text_chart.hpp"

#include "figure_parts.hpp"
#include "orrery/core/columns.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/not_a_number.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>

namespace orrery::report {
namespace {

constexpr std::size_t most_columns = 72, label_columns = 9;
constexpr std::array<const char*, 9> eighths = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

/// A value a column: means of as many neighbours as it takes, NaN left out.
std::vector<double> columns_from(const std::vector<double>& values) {
  const std::size_t each = (values.size() + most_columns - 1) / most_columns;
  std::vector<double> columns;
  for (std::size_t begin = 0; begin < values.size(); begin += each) {
    const std::size_t end = std::min(begin + each, values.size());
    columns.push_back(mean_of({values.begin() + static_cast<std::ptrdiff_t>(begin),
                               values.begin() + static_cast<std::ptrdiff_t>(end)}));
  }
  return columns;
}

std::string label(double value) {
  const std::string text = core::concat(std::setprecision(3), value);
  return std::string(label_columns - 1 - std::min(text.size(), label_columns - 1), ' ') + text + " ";
}

}  // namespace

std::string text_chart(const std::string& title, const std::vector<double>& values,
                       const std::pair<std::string, std::string>& ends, bool is_logarithmic, int rows) {
  const std::vector<double> columns = columns_from(values);
  double least = core::infinity, greatest = -least;
  for (const double value : columns) {
    if (std::isnan(value)) continue;
    least = std::min(least, value);
    greatest = std::max(greatest, value);
  }
  if (least > greatest) return title + ": not defined\n";
  is_logarithmic = is_logarithmic && least > 0;
  const auto scale = [&](double value) { return is_logarithmic ? std::log(value) : value; };
  if (!is_logarithmic && least >= 0 && least < greatest / 2) least = 0;
  const double range = scale(greatest) - scale(least);
  // In eighths of a row: one at least, so that every value is seen.
  const auto height = [&](double value) {
    const double share = range > 0 ? (scale(value) - scale(least)) / range : 1;
    return std::max(1L, std::lround(share * 8 * rows));
  };
  std::string text = core::concat(title, is_logarithmic ? " (logarithmic)" : "", "\n");
  for (int row = rows - 1; row >= 0; --row) {
    text += row == rows - 1 ? label(greatest) : row == 0 ? label(least) : std::string(label_columns, ' ');
    std::string line;
    for (const double value : columns) {
      const long filled = std::isnan(value) ? 0 : std::clamp(height(value) - 8L * row, 0L, 8L);
      line += eighths[static_cast<std::size_t>(filled)];
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  const std::size_t between = core::columns_of(ends.first) + core::columns_of(ends.second);
  const std::size_t room = columns.size() > between ? columns.size() - between : 1;
  return text + std::string(label_columns, ' ') + ends.first + std::string(room, ' ') + ends.second + "\n";
}

}  // namespace orrery::report
