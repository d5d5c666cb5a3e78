#include "memory_sizes.hpp"
#include "orrery/statistics/streamed_statistics.hpp"

#include <algorithm>

namespace orrery::statistics {

std::int64_t StreamedStatistics::bytes(const Extent& extent, const StreamingOptions& options, int ranks,
                                       std::int64_t round_rows, std::int64_t row_bytes) {
  const std::int64_t points = extent.points;
  const std::int64_t units = extent.units;
  const std::int64_t square = number_bytes * units * units;
  const std::int64_t threads = options.statistics.threads;
  const std::int64_t columns = numbers_of_a_row(extent);

  // The first pass is the one that needs most. Its products wait while the basis is made.
  const std::int64_t group = (points + options.point_groups - 1) / options.point_groups;
  const auto moments = [&](std::int64_t group_size) {
    return StreamedMoments::bytes(extent, {.units = true, .points = {0, group_size}},
                                  options.statistics.threads);
  };
  std::int64_t passing = moments(group);
  // What is kept of single rows: turns, and moments in a random basis, with a copy of the round.
  if (!options.every_token) {
    const std::int64_t rotated = moments(0) + square + ExactMoments::bytes(units) +
                                 ExactMoments::bytes(2 * (points - 1)) +
                                 round_rows * units * (points * row_bytes + number_bytes);
    passing += std::max(rotated, 4 * square);
  }

  // Then the sums of a rank's own points, whose panels become those of the pooled matrix, which is whole on
  // one rank; and their eigenproblems, with the matrix, its vectors and LAPACK's work.
  const std::int64_t all_owned = (points + ranks - 1) / ranks;
  const std::int64_t owned = std::min(group, all_owned);
  const std::int64_t kept = std::min(options.statistics.components, units);
  const std::int64_t results = number_bytes * all_owned * (kept + 2) * units;
  const std::int64_t earlier = options.point_groups > 1 ? results : 0;
  const std::int64_t panels = number_bytes * (owned + 3 * threads) * GramSums::panel * units;
  const std::int64_t eigenproblems = 5 * std::min(threads, owned) * square;
  const std::int64_t ending = GramSums::bytes(owned, units) + 5 * number_bytes * points * units + square +
                              std::max(panels + earlier, eigenproblems + results);

  // Scores come when the moments are gone; a round's are there in both precisions.
  const std::int64_t flow = std::min(kept, most_flow_components);
  const std::int64_t scores =
      results + GramSums::bytes(points - 1, 2 * flow) + ExactMoments::bytes(points - 2) +
      points * kept *
          (2 * number_bytes + round_rows * (number_bytes + static_cast<std::int64_t>(sizeof(float))));
  const std::int64_t row_sums = ExactMoments::bytes(columns) + number_bytes * round_rows * columns;
  return std::max({passing, ending, scores}) + row_sums + threads * library_scratch;
}

std::int64_t StreamedStatistics::saved_bytes(const Extent& extent, const StreamingOptions& options,
                                             int ranks) {
  const std::int64_t points = extent.points;
  const std::int64_t units = extent.units;
  const std::int64_t bases = options.every_token ? 1 : 2;
  const std::int64_t kept = std::min(options.statistics.components, units);
  const std::int64_t flow = std::min(kept, most_flow_components);

  // Sums of products are gathered before they are saved, and then each on one rank.
  const std::int64_t unit_sums = bases * GramSums::bytes(units, points);
  const std::int64_t point_sums = GramSums::bytes(points, units);
  const std::int64_t flow_sums = GramSums::bytes(points - 1, 2 * flow);
  // All else each rank has for itself, and some of it was the same for all: quanta, as large as extremes.
  const std::int64_t extremes = bases * 2 * number_bytes * points * units;
  const std::int64_t row_sums =
      ExactMoments::bytes(numbers_of_a_row(extent) + (options.every_token ? 0 : units + 2 * (points - 1)));
  const std::int64_t score_sums = ExactMoments::bytes(points - 2) + 2 * number_bytes * points * kept;
  const std::int64_t straightness =
      options.every_token ? 0 : extent.samples * static_cast<std::int64_t>(sizeof(SampleNumber));

  const std::int64_t passes = options.point_groups;
  return 2 * unit_sums + point_sums + point_sums / passes + 2 * flow_sums +
         (passes + 1) * (ranks + 1) * extremes + (passes + 2) * (ranks * row_sums + straightness) +
         2 * ranks * score_sums;
}

}  // namespace orrery::statistics
