#include "orrery/statistics/sample_statistics.hpp"

#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "row_access.hpp"
#include "row_measures.hpp"
#include "row_spread.hpp"

#include <algorithm>

namespace orrery::statistics {
namespace {

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

}  // namespace

const RowSeries& SampleStatistics::of(const std::string& path) const {
  static const RowSeries none;
  const auto found = series.find(path);
  return found == series.end() ? none : found->second;
}

SampleStatistics sample_statistics(const parallel::Communicator& ranks, const SampleShard& rows,
                                   const Extent& extent, const std::vector<std::int64_t>& permuted_points,
                                   int threads) {
  std::int64_t columns = 0;
  std::vector<double> lines;
  parallel::agree(ranks, "statistics of rows", [&] {
    const RowMeasures measures(extent, permuted_points);
    columns = measures.columns();
    lines.resize(rows.samples.size() * columns);
    with_rows(rows.x, [&](const auto* x) {
      schedule::parallel_for(std::ssize(rows.samples), threads, [&](std::int64_t row) {
        measures.measure(x + row * extent.points * extent.units, lines.data() + row * columns);
      });
    });
  });
  const auto samples = ranks.gather_values<core::Sample>(rows.samples);
  const auto gathered = ranks.gather_values<double>(lines);
  SampleStatistics result;
  parallel::agree(ranks, "statistics of rows", [&] {
    if (!ranks.is_root()) return;
    const std::vector<double> table = in_sample_order(samples, gathered, extent.samples, columns);
    const RowSpread spread(table, columns);
    result = RowMeasures(extent, permuted_points).statistics(spread.mean, spread.standard_deviation, table);
  });
  return result;
}

}  // namespace orrery::statistics
