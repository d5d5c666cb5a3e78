#pragma once

#include "orrery/statistics/trace_statistic.hpp"

#include <algorithm>
#include <cstdint>

namespace orrery::statistics {

/// Bytes of a double, the type that sums and statistics are kept in.
constexpr std::int64_t number_bytes = sizeof(double);

/// What LibTorch's BLAS keeps for itself in each thread that multiplies matrices, in bytes, as measured with
/// the CPU wheel.
constexpr std::int64_t library_scratch = 15'000'000;

/// What the rank has that has most, where `items` are dealt to `ranks`.
constexpr std::int64_t share_of_a_rank(std::int64_t items, std::int64_t ranks) {
  return (items + ranks - 1) / ranks;
}

/// Blocks of units, units and points of the rank that has most (shards.hpp).
constexpr std::int64_t unit_blocks_of_a_rank(const Extent& extent, int ranks) {
  return share_of_a_rank(share_of_a_rank(extent.units, unit_block), ranks);
}
constexpr std::int64_t units_of_a_rank(const Extent& extent, int ranks) {
  return std::min(unit_blocks_of_a_rank(extent, ranks) * unit_block, extent.units);
}
constexpr std::int64_t points_of_a_rank(const Extent& extent, int ranks) {
  return share_of_a_rank(extent.points, ranks);
}

/// Numbers that are measured of a row (row_measures.hpp): as many in whatever order points are shown.
std::int64_t numbers_of_a_row(const Extent& extent);

/// Bytes of a rank with its UnitShard: while rows are on their way to it, and then with so many bytes of work
/// and results, and what LibTorch's BLAS keeps.
std::int64_t bytes_with_units(const CostCase& of, std::int64_t work);

}  // namespace orrery::statistics
