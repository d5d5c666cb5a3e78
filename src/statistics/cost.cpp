#include "orrery/statistics/cost.hpp"

#include "memory_sizes.hpp"
#include "orrery/statistics/jackknife.hpp"

#include <algorithm>

namespace orrery::statistics {
namespace {

std::int64_t share(std::int64_t items, std::int64_t ranks) {
  return (items + ranks - 1) / ranks;
}

/// Packed rows on their way to one partner, and those that come from one: of `own` and, on average,
/// `all`/ranks units or points of `numbers` numbers a row each.
std::int64_t in_flight(const Extent& extent, std::int64_t ranks, std::int64_t own, std::int64_t all,
                       std::int64_t numbers, std::int64_t row_bytes) {
  return ranks > 1 ? share(extent.samples, ranks) * (own + all / ranks) * numbers * row_bytes : 0;
}

/// Work on one unit: its centred values and their products.
std::int64_t unit_scratch(const Extent& extent) {
  return number_bytes * extent.points * (extent.samples + extent.points);
}

/// Work on `threads` points: centred rows, the scatter matrix n × n, its eigenvectors and LAPACK's 2n² of
/// work; or on the blocks left out of the two points of the headline, where the first two are shared and no
/// vectors made.
std::int64_t point_scratch(const Extent& extent, std::int64_t points, std::int64_t threads) {
  const std::int64_t side = std::min(extent.samples, extent.units);
  const std::int64_t rows = extent.samples * extent.units;
  const std::int64_t components = std::min(threads, points) * (rows + 4 * side * side);
  const std::int64_t left_out =
      std::min<std::int64_t>(2, points) * (rows + side * side) + threads * 2 * side * side;
  return number_bytes * std::max(components, left_out);
}

/// The numbers of the rows' table, by step, point and bend.
std::int64_t table_columns(const Extent& extent) {
  return 5 * (extent.points - 1) + 5 * extent.points + std::max<std::int64_t>(0, extent.points - 2) + 1;
}

/// The pooled eigenproblem: the matrix, its vectors and LAPACK's work.
std::int64_t pooled_scratch(const Extent& extent) {
  return 5 * number_bytes * extent.units * extent.units;
}

/// Operations of the nulls and their left-out blocks, at about 30 a point of a draw.
double null_flops(const Extent& extent, std::int64_t permutations) {
  constexpr double a_point = 30, nulls = 4;
  const double all = SampleBlocks(extent.samples).count() > 0 ? 2 : 1;
  return all * nulls * a_point * static_cast<double>(permutations) * static_cast<double>(extent.units) *
         static_cast<double>(extent.points);
}

}  // namespace

std::int64_t statistics_bytes(const Extent& extent, int ranks, const StatisticsOptions& options,
                              std::int64_t row_bytes) {
  const std::int64_t threads = options.threads;
  const std::int64_t table = number_bytes * extent.samples * table_columns(extent);
  const std::int64_t left_out = SampleBlocks(extent.samples).count();

  const std::int64_t blocks = share(share(extent.units, unit_block), ranks);
  const std::int64_t units = std::min(blocks * unit_block, extent.units);
  const std::int64_t unit_shard = units * extent.points * extent.samples * row_bytes;
  const std::int64_t unit_results = units * extent.points * (2 * number_bytes + 2 * sizeof(float));
  const std::int64_t block_sums = number_bytes * extent.points * (2 * extent.points + 2 * (1 + 2 * left_out));
  const std::int64_t unit_work = threads * library_scratch +
                                 std::min(threads, blocks) * unit_scratch(extent) + unit_results +
                                 blocks * block_sums + 2 * share(extent.units, unit_block) * block_sums;
  const std::int64_t by_unit_peak =
      unit_shard +
      std::max(in_flight(extent, ranks, units, extent.units, extent.points, row_bytes), unit_work);

  const std::int64_t points = share(extent.points, ranks);
  const std::int64_t values = std::max<std::int64_t>(0, std::min(extent.samples - 1, extent.units));
  const std::int64_t vectors = std::min(options.components, values);
  const std::int64_t point_shard = points * extent.samples * extent.units * row_bytes;
  const std::int64_t point_results = number_bytes * points * (values + (vectors + 1) * extent.units);
  // Then the pooled scatter matrix, by panels of 128 rows of each point, and its eigenproblem.
  const std::int64_t panels = points * 128 * extent.units * number_bytes;
  const std::int64_t scores =
      points * extent.samples * std::min(options.components, extent.units) * number_bytes;
  const std::int64_t point_work =
      std::max(point_scratch(extent, points, threads), panels + scores + pooled_scratch(extent)) +
      point_results + threads * library_scratch;
  const std::int64_t by_point_peak =
      point_shard +
      std::max(in_flight(extent, ranks, points, extent.points, extent.units, row_bytes), point_work) +
      unit_results;

  // In a random basis: the rows once more, and the basis, or the QR decomposition that it comes from.
  const std::int64_t basis = number_bytes * extent.units * extent.units;
  const std::int64_t rotated = share(extent.samples, ranks) * extent.points * extent.units * row_bytes;
  const std::int64_t rotated_peak =
      unit_results + std::max(4 * basis, basis + rotated) +
      std::max(basis,
               unit_shard + std::max(in_flight(extent, ranks, units, extent.units, extent.points, row_bytes),
                                     unit_work));

  // While rank 0 sorts the table, it has its own lines, those gathered twice over, and the tables by
  // quantity.
  return std::max(4 * table, table + std::max({by_unit_peak, by_point_peak, rotated_peak}));
}

double statistics_flops(const Extent& extent, std::int64_t permutations) {
  const double samples = static_cast<double>(extent.samples);
  const double points = static_cast<double>(extent.points);
  const double units = static_cast<double>(extent.units);
  const double side = std::min(samples, units);
  const double rows = 40 * samples * points * units;
  // Of units as they are, with samples permuted, and in a random basis.
  const double correlation = 3 * units * samples * points * (2 * points + 20);
  const double turns = 2 * 30 * samples * points * units + null_flops(extent, permutations);
  const double rotation = 2 * samples * points * units * units;
  // A symmetric product is made by halves; by Gram matrix there is a second one, of standardised rows.
  const double products = (samples <= units ? 2 : 1) * points * side * samples * units;
  const double eigenvectors = points * 6 * side * side * side;
  const double left_out =
      2 * static_cast<double>(SampleBlocks(extent.samples).count()) * 2 * side * side * side;
  const double pooled = points * samples * units * units + 6 * units * units * units;
  return rows + correlation + turns + rotation + products + eigenvectors + left_out + pooled;
}

double streaming_flops(const Extent& extent, std::int64_t permutations) {
  const double samples = static_cast<double>(extent.samples);
  const double points = static_cast<double>(extent.points);
  const double units = static_cast<double>(extent.units);
  const double rows = 40 * samples * points * units;
  const double correlation = 2 * units * samples * points * points;
  const double products = points * samples * units * units;
  const double eigenvectors = (points + 1) * 6 * units * units * units;
  return rows + correlation + null_flops(extent, permutations) + products + eigenvectors;
}

}  // namespace orrery::statistics
