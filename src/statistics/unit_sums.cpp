#include "unit_sums.hpp"

#include "orrery/core/not_a_number.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "orrery/statistics/shards.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::statistics {
namespace {

/// The sums of all blocks of all ranks, added in the order of blocks: block b is the (b div R)-th of rank b
/// mod R.
std::vector<double> add_in_order(const std::vector<std::vector<double>>& by_rank, std::int64_t size) {
  std::vector<double> total(size);
  if (size == 0) return total;
  const std::size_t ranks = by_rank.size();
  for (std::size_t block = 0; (block / ranks + 1) * size <= by_rank[block % ranks].size(); ++block) {
    const double* sums = by_rank[block % ranks].data() + block / ranks * size;
    for (std::int64_t i = 0; i < size; ++i) total[i] += sums[i];
  }
  return total;
}

}  // namespace

void SumRun::add(std::int64_t place, double value) {
  if (std::isnan(value)) return;
  sums_[place] += value;
  sums_[length_ + place] += 1;
}

double SumRun::mean(std::int64_t place) const {
  return count(place) > 0 ? sums_[place] / sums_[length_ + place] : core::not_a_number;
}

std::vector<double> sum_over_units(const parallel::Communicator& ranks, std::string_view phase,
                                   std::int64_t units, std::int64_t size, int threads,
                                   const std::function<void(UnitRange, std::span<double>)>& work) {
  const std::int64_t blocks = (units + unit_block - 1) / unit_block;
  std::vector<double> sums;
  parallel::agree(ranks, phase, [&] {
    sums.resize(blocks * size);
    schedule::parallel_for(blocks, threads, [&](std::int64_t block) {
      const UnitRange range{block * unit_block, std::min((block + 1) * unit_block, units)};
      work(range, std::span(sums).subspan(block * size, size));
    });
  });
  const auto by_rank = ranks.gather_values<double>(sums);
  std::vector<double> total;
  parallel::agree(ranks, phase, [&] {
    if (ranks.is_root()) total = add_in_order(by_rank, size);
  });
  return total;
}

std::vector<std::vector<double>> gather_units(const parallel::Communicator& ranks, std::string_view phase,
                                              std::span<const std::int64_t> units,
                                              std::span<const double> table, std::int64_t width,
                                              std::int64_t all_units) {
  const auto units_by_rank = ranks.gather_values<std::int64_t>(units);
  const auto table_by_rank = ranks.gather_values<double>(table);
  std::vector<std::vector<double>> columns(width);
  parallel::agree(ranks, phase, [&] {
    if (!ranks.is_root()) return;
    for (auto& column : columns) column.resize(all_units);
    for (std::size_t rank = 0; rank < units_by_rank.size(); ++rank) {
      const double* line = table_by_rank[rank].data();
      for (const std::int64_t unit : units_by_rank[rank]) {
        for (std::int64_t i = 0; i < width; ++i) columns[i][unit] = *line++;
      }
    }
  });
  return columns;
}

void add_correlations(const UnitMoments& moments, std::int64_t points, SumRun& sums) {
  for (std::int64_t one = 0; one < points; ++one) {
    for (std::int64_t other = one; other < points; ++other) {
      sums.add(one * points + other, moments.correlation(one, other));
    }
  }
}

std::vector<double> mean_correlation(const SumRun& sums, std::int64_t points) {
  std::vector<double> matrix(points * points);
  for (std::int64_t one = 0; one < points; ++one) {
    for (std::int64_t other = one; other < points; ++other) {
      matrix[one * points + other] = matrix[other * points + one] = sums.mean(one * points + other);
    }
  }
  return matrix;
}

}  // namespace orrery::statistics
