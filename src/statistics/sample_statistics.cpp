#include "orrery/statistics/sample_statistics.hpp"

#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "row_access.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

namespace orrery::statistics {
namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

double ratio(double above, double below) {
  return below > 0 ? above / below : not_a_number;
}

/// Where a row's numbers lie in its line of the table: three runs of P − 1, then five of P.
struct Columns {
  std::int64_t points;
  std::int64_t steps() const { return points - 1; }
  std::int64_t cosine() const { return 0; }
  std::int64_t velocity() const { return steps(); }
  std::int64_t relative_velocity() const { return 2 * steps(); }
  std::int64_t norm() const { return 3 * steps(); }
  std::int64_t abs() const { return norm() + points; }
  std::int64_t active() const { return norm() + 2 * points; }
  std::int64_t hoyer() const { return norm() + 3 * points; }
  std::int64_t kurtosis() const { return norm() + 4 * points; }
  std::int64_t count() const { return norm() + 5 * points; }
};

/// The measures of one stream, written to column `point` of the row's line.
void measure_point(std::span<const double> x, const Columns& columns, std::int64_t point, double* line) {
  const std::int64_t count = std::ssize(x);
  const double units = static_cast<double>(count);
  const double norm = std::sqrt(lane_sum(count, [&](std::int64_t d) { return x[d] * x[d]; }));
  const double absolute = lane_sum(count, [&](std::int64_t d) { return std::abs(x[d]); });
  const double active =
      lane_sum(count, [&](std::int64_t d) { return std::abs(x[d]) > active_threshold ? 1.0 : 0.0; });
  const double mean = lane_sum(count, [&](std::int64_t d) { return x[d]; }) / units;
  const auto square = [&](std::int64_t d) { return (x[d] - mean) * (x[d] - mean); };
  const double second = lane_sum(count, square) / units;
  const double fourth = lane_sum(count, [&](std::int64_t d) { return square(d) * square(d); }) / units;
  const bool level = std::all_of(x.begin(), x.end(), [&](double value) { return value == x[0]; });
  line[columns.norm() + point] = norm;
  line[columns.abs() + point] = absolute / units;
  line[columns.active() + point] = active / units;
  line[columns.hoyer() + point] = ratio(std::sqrt(units) - ratio(absolute, norm), std::sqrt(units) - 1);
  line[columns.kurtosis() + point] = level ? not_a_number : ratio(fourth, second * second) - 3;
}

/// The measures of the step from `before` to `after`, written to column `step`; the norms are there already.
void measure_step(std::span<const double> before, std::span<const double> after, const Columns& columns,
                  std::int64_t step, double* line) {
  const std::int64_t count = std::ssize(before);
  const double norm_before = line[columns.norm() + step];
  const double norm_after = line[columns.norm() + step + 1];
  const double product = lane_sum(count, [&](std::int64_t d) { return before[d] * after[d]; });
  const double length = std::sqrt(lane_sum(count, [&](std::int64_t d) {
    const double change = after[d] - before[d];
    return change * change;
  }));
  const double cosine = ratio(ratio(product, norm_before), norm_after);
  line[columns.cosine() + step] = std::isnan(cosine) ? cosine : std::clamp(cosine, -1.0, 1.0);
  line[columns.velocity() + step] = length;
  line[columns.relative_velocity() + step] = ratio(length, norm_before);
}

/// All measures of one row x (P, D), to its line of the table.
template <class T>
void measure_row(const T* x, const Extent& extent, double* line) {
  const Columns columns{extent.points};
  std::vector<double> before(extent.units);
  std::vector<double> here(extent.units);
  for (std::int64_t point = 0; point < extent.points; ++point) {
    std::copy_n(x + point * extent.units, extent.units, here.begin());
    measure_point(here, columns, point, line);
    if (point > 0) measure_step(before, here, columns, point - 1, line);
    std::swap(before, here);
  }
}

/// Columns `first` … `first + length − 1` of the table (N, columns), with means and spreads down the rows.
RowSeries series(const std::vector<double>& table, std::int64_t samples, std::int64_t columns,
                 std::int64_t first, std::int64_t length) {
  RowSeries result;
  result.length = length;
  result.rows.reserve(samples * length);
  for (std::int64_t sample = 0; sample < samples; ++sample) {
    const auto line = table.begin() + sample * columns + first;
    result.rows.insert(result.rows.end(), line, line + length);
  }
  for (std::int64_t place = 0; place < length; ++place) {
    std::vector<double> values;
    for (std::int64_t sample = 0; sample < samples; ++sample) {
      const double value = result.rows[sample * length + place];
      if (!std::isnan(value)) values.push_back(value);
    }
    const double count = static_cast<double>(values.size());
    double mean = 0;
    for (const double value : values) mean += value;
    mean = ratio(mean, count);
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    result.mean.push_back(mean);
    result.standard_deviation.push_back(std::sqrt(ratio(squares, count - 1)));
  }
  return result;
}

/// The ranks' lines, put in sample order.
std::vector<double> in_sample_order(const std::vector<std::vector<core::Sample>>& samples,
                                    const std::vector<std::vector<double>>& lines, std::int64_t count,
                                    std::int64_t columns) {
  std::vector<double> table(count * columns);
  for (std::size_t rank = 0; rank < lines.size(); ++rank) {
    for (std::size_t row = 0; row < samples[rank].size(); ++row) {
      std::copy_n(lines[rank].begin() + row * columns, columns,
                  table.begin() + samples[rank][row].value() * columns);
    }
  }
  return table;
}

SampleStatistics summarise(const std::vector<double>& table, const Extent& extent) {
  const Columns columns{extent.points};
  const auto steps = [&](std::int64_t first) {
    return series(table, extent.samples, columns.count(), first, columns.steps());
  };
  const auto points = [&](std::int64_t first) {
    return series(table, extent.samples, columns.count(), first, extent.points);
  };
  SampleStatistics result;
  result.cosine = steps(columns.cosine());
  result.velocity = steps(columns.velocity());
  result.relative_velocity = steps(columns.relative_velocity());
  result.norm = points(columns.norm());
  result.abs = points(columns.abs());
  result.active = points(columns.active());
  result.hoyer = points(columns.hoyer());
  result.kurtosis = points(columns.kurtosis());
  for (std::int64_t step = 0; step + 1 < columns.steps(); ++step) {
    result.acceleration.push_back(result.velocity.mean[step + 1] - result.velocity.mean[step]);
  }
  return result;
}

}  // namespace

SampleStatistics sample_statistics(const parallel::Communicator& ranks, const SampleShard& rows,
                                   const Extent& extent, int threads) {
  const std::int64_t columns = Columns{extent.points}.count();
  std::vector<double> lines;
  parallel::agree(ranks, "statistics of rows", [&] {
    lines.resize(rows.samples.size() * columns);
    with_rows(rows.x, [&](const auto* x) {
      schedule::parallel_for(std::ssize(rows.samples), threads, [&](std::int64_t row) {
        measure_row(x + row * extent.points * extent.units, extent, lines.data() + row * columns);
      });
    });
  });
  const auto samples = ranks.gather_values<core::Sample>(rows.samples);
  const auto gathered = ranks.gather_values<double>(lines);
  SampleStatistics result;
  parallel::agree(ranks, "statistics of rows", [&] {
    if (!ranks.is_root()) return;
    result = summarise(in_sample_order(samples, gathered, extent.samples, columns), extent);
  });
  return result;
}

}  // namespace orrery::statistics
