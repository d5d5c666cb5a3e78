#include "orrery/statistics/cost.hpp"

#include "orrery/statistics/jackknife.hpp"

#include <algorithm>

namespace orrery::statistics {
namespace {

constexpr std::int64_t number = sizeof(double);

/// What LibTorch's BLAS keeps for itself in each thread that multiplies matrices, as measured with the CPU
/// wheel.
constexpr std::int64_t library_scratch = 15'000'000;

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
  return number * extent.points * (extent.samples + extent.points);
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
  return number * std::max(components, left_out);
}

/// The numbers of the rows' table, by step, by point and by bend, and one for the whole.
std::int64_t table_columns(const Extent& extent) {
  return 5 * (extent.points - 1) + 5 * extent.points + std::max<std::int64_t>(0, extent.points - 2) + 1;
}

}  // namespace

std::int64_t statistics_bytes(const Extent& extent, int ranks, const StatisticsOptions& options,
                              std::int64_t row_bytes) {
  const std::int64_t threads = options.threads;
  const std::int64_t table = number * extent.samples * table_columns(extent);
  const std::int64_t left_out = SampleBlocks(extent.samples).count();

  const std::int64_t blocks = share(share(extent.units, unit_block), ranks);
  const std::int64_t units = std::min(blocks * unit_block, extent.units);
  const std::int64_t unit_shard = units * extent.points * extent.samples * row_bytes;
  const std::int64_t unit_results = units * extent.points * (2 * number + sizeof(float));
  const std::int64_t block_sums = number * extent.points * (2 * extent.points + 2 * (1 + 2 * left_out));
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
  const std::int64_t point_results = number * points * (values + (vectors + 1) * extent.units);
  const std::int64_t point_work =
      point_scratch(extent, points, threads) + point_results + threads * library_scratch;
  const std::int64_t by_point_peak =
      point_shard +
      std::max(in_flight(extent, ranks, points, extent.points, extent.units, row_bytes), point_work) +
      unit_results;

  // While rank 0 sorts the table, it has its own lines, those gathered twice over, and the tables by
  // quantity.
  return std::max(4 * table, table + std::max(by_unit_peak, by_point_peak));
}

double statistics_flops(const Extent& extent) {
  const double samples = static_cast<double>(extent.samples);
  const double points = static_cast<double>(extent.points);
  const double units = static_cast<double>(extent.units);
  const double side = std::min(samples, units);
  const double rows = 20 * samples * points * units;
  const double correlation = units * samples * points * (2 * points + 20);
  // A symmetric product is made by halves; by Gram matrix there is a second one, of standardised rows.
  const double products = (samples <= units ? 2 : 1) * points * side * samples * units;
  const double eigenvectors = points * 6 * side * side * side;
  const double left_out =
      2 * static_cast<double>(SampleBlocks(extent.samples).count()) * 2 * side * side * side;
  return rows + correlation + products + eigenvectors + left_out;
}

}  // namespace orrery::statistics
