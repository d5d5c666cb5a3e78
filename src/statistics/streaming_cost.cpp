#include "orrery/statistics/streamed_statistics.hpp"
#include "row_measures.hpp"

#include <algorithm>

namespace orrery::statistics {

std::int64_t StreamedStatistics::bytes(const Extent& extent, const StreamingOptions& options, int ranks,
                                       std::int64_t round_rows, std::int64_t row_bytes) {
  constexpr std::int64_t number = sizeof(double);
  const std::int64_t points = extent.points;
  const std::int64_t units = extent.units;
  const std::int64_t square = number * units * units;
  const int threads = options.statistics.threads;
  const std::int64_t columns =
      RowMeasures(extent, permuted_layers(options.statistics.seed, points)).columns();

  const std::int64_t group = (points + options.point_groups - 1) / options.point_groups;
  const std::int64_t moments = StreamedMoments::bytes(extent, {.units = true, .points = {0, group}}, threads);
  const std::int64_t row_sums = ExactMoments::bytes(columns) + number * round_rows * columns;
  // What is kept of single rows: turns, and moments in a random basis, with a copy of the round.
  std::int64_t single = 0;
  if (!options.every_token) {
    single = StreamedMoments::bytes(extent, {.units = true, .points = {0, 0}}, threads) + square +
             ExactMoments::bytes(units) + ExactMoments::bytes(2 * (points - 1)) +
             round_rows * units * (points * row_bytes + number);
  }
  // Results, and the eigenproblems: at each moment those in hand, beside the sums that wait.
  const std::int64_t owned = (points + ranks - 1) / ranks;
  const std::int64_t kept = std::min(options.statistics.components, units);
  const std::int64_t results = number * (owned * (kept + 2) * units + 3 * points * units);
  const std::int64_t eigenproblems = (std::min<std::int64_t>(threads, owned) * 5 + 2) * square;
  const std::int64_t flow = std::min(kept, most_flow_components);
  const std::int64_t scores = GramSums::bytes(points - 1, 2 * flow) + ExactMoments::bytes(points - 2) +
                              number * points * kept * (2 + round_rows);
  // Scores come when the moments are gone.
  return std::max(moments + row_sums + single + eigenproblems, scores + row_sums) + results;
}

}  // namespace orrery::statistics
