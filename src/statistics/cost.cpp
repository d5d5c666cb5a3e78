#include "orrery/statistics/cost.hpp"

#include "memory_sizes.hpp"
#include "orrery/statistics/trace_statistic.hpp"
#include "row_measures.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace orrery::statistics {
namespace {

/// Packed rows on their way to one partner, and those that come from one: of `own` and, on average,
/// `all`/ranks units or points of `numbers` numbers a row each.
std::int64_t in_flight(const CostCase& of, std::int64_t own, std::int64_t all, std::int64_t numbers) {
  return of.ranks > 1
             ? share_of_a_rank(of.extent.samples, of.ranks) * (own + all / of.ranks) * numbers * of.row_bytes
             : 0;
}

std::int64_t bytes_with_points(const CostCase& of, std::int64_t work) {
  const Extent& extent = of.extent;
  const std::int64_t points = points_of_a_rank(extent, of.ranks);
  return points * extent.samples * extent.units * of.row_bytes +
         std::max(in_flight(of, points, extent.points, extent.units),
                  work + of.options.threads * library_scratch);
}

double flops(const CostCase& of) {
  double sum = 0;
  for (const auto& statistic : trace_statistics_of_run()) sum += statistic->cost(of).flops;
  return sum;
}

}  // namespace

std::int64_t bytes_with_units(const CostCase& of, std::int64_t work) {
  const Extent& extent = of.extent;
  const std::int64_t units = units_of_a_rank(extent, of.ranks);
  return units * extent.points * extent.samples * of.row_bytes +
         std::max(in_flight(of, units, extent.units, extent.points),
                  work + of.options.threads * library_scratch);
}

std::int64_t numbers_of_a_row(const Extent& extent) {
  std::vector<std::int64_t> order(extent.points);
  std::iota(order.begin(), order.end(), 0);
  return RowMeasures(extent, order).columns();
}

std::int64_t statistics_bytes(const Extent& extent, int ranks, const StatisticsOptions& options,
                              std::int64_t row_bytes) {
  const CostCase of{extent, ranks, options, row_bytes, /*rows_kept=*/true};
  // By Sharding: what they need one after the other, and what stays of all of them.
  std::array<std::int64_t, 3> scratch{}, held{};
  for (const auto& statistic : trace_statistics_of_run()) {
    const StatisticCost cost = statistic->cost(of);
    const auto during = static_cast<std::size_t>(cost.during);
    scratch[during] = std::max(scratch[during], cost.scratch);
    held[during] += cost.held;
  }
  constexpr auto rows = static_cast<std::size_t>(Sharding::rows);
  constexpr auto units = static_cast<std::size_t>(Sharding::units);
  constexpr auto points = static_cast<std::size_t>(Sharding::points);
  const std::int64_t with_units = bytes_with_units(of, scratch[units] + held[units]);
  const std::int64_t with_points = bytes_with_points(of, scratch[points] + held[points]) + held[units];
  const std::int64_t with_rows = scratch[rows] + held[rows] + held[units];
  // While rank 0 sorts the rows' table, it has its own lines, those gathered twice over, and the tables by
  // quantity.
  const std::int64_t table = number_bytes * extent.samples * numbers_of_a_row(extent);
  return std::max(4 * table, table + std::max({with_units, with_points, with_rows}));
}

double statistics_flops(const Extent& extent, std::int64_t permutations) {
  return flops({extent, 1, {.permutations = permutations}, sizeof(float), /*rows_kept=*/true});
}

double streaming_flops(const Extent& extent, std::int64_t permutations) {
  return flops({extent, 1, {.permutations = permutations}, sizeof(float), /*rows_kept=*/false});
}

}  // namespace orrery::statistics
