#include "orrery/statistics/rotation.hpp"

#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "orrery/statistics/jackknife.hpp"
#include "row_access.hpp"
#include "turn_counter.hpp"
#include "turn_nulls.hpp"
#include "unit_sums.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>
#include <utility>

namespace orrery::statistics {
namespace {

constexpr const char* phase = "turns of units";
constexpr std::int64_t local_run = 8;         // science.md, section 2
constexpr double significant = 0.05;          // of p and q
constexpr std::int64_t left_out_share = 10;   // draws of all samples for one of a left-out block
constexpr std::size_t numbers_of_a_null = 5;  // of TurnNulls::Numbers

std::int64_t local_runs(std::int64_t points) {
  return std::max<std::int64_t>(turning_points(points) - 2 - local_run + 1, 0);
}

/// Points 0 … S − 1 of column `column` of a mean trajectory (P, u).
void copy_trajectory(const at::Tensor& mean, std::int64_t column, std::span<double> a) {
  const double* values = mean.const_data_ptr<double>();
  for (std::size_t point = 0; point < a.size(); ++point) {
    a[point] = values[static_cast<std::int64_t>(point) * mean.size(1) + column];
  }
}

/// Collective: a table of `width` numbers for each of this rank's units, whose lines `work` fills, unit by
/// unit, gathered as columns (`width`; D) on rank 0.
std::vector<std::vector<double>> table_of_units(const parallel::Communicator& ranks,
                                                const std::vector<std::int64_t>& units, std::int64_t width,
                                                std::int64_t all_units, int threads,
                                                const std::function<void(std::int64_t, double*)>& work) {
  std::vector<double> table;
  parallel::agree(ranks, phase, [&] {
    table.resize(units.size() * width);
    schedule::parallel_for(std::ssize(units), threads,
                           [&](std::int64_t unit) { work(unit, table.data() + unit * width); });
  });
  return gather_units(ranks, phase, units, table, width, all_units);
}

/// Collective: the means over units of the turns in each run of angles; on rank 0.
std::vector<double> local_turns(const parallel::Communicator& ranks, std::int64_t units,
                                const at::Tensor& mean, const Extent& extent, int threads) {
  const std::int64_t runs = local_runs(extent.points);
  std::vector<double> sums =
      sum_over_units(ranks, phase, units, runs, threads, [&](UnitRange range, std::span<double> sum) {
        if (runs == 0) return;
        TurnCounter counter(turning_points(extent.points));
        std::vector<double> a(turning_points(extent.points));
        std::vector<double> angle(a.size() - 2);
        for (std::int64_t unit = range.begin; unit < range.end; ++unit) {
          copy_trajectory(mean, unit, a);
          counter.angles(a, angle);
          for (std::int64_t run = 0; run < runs; ++run) {
            sum[run] += std::accumulate(angle.begin() + run, angle.begin() + run + local_run, 0.0);
          }
        }
      });
  for (double& sum : sums) sum /= 2 * std::numbers::pi * static_cast<double>(extent.units);
  return sums;
}

/// The mean trajectory of a unit x (P, N) without each block of samples, to column 0 of `mean`
/// (blocks, P, `units`).
/// The sums of the blocks that stay are added up, so that an outlier in the other leaves no rounding.
template <class T>
void leave_out_blocks(const T* x, const SampleBlocks& blocks, const Extent& extent, std::int64_t units,
                      double* mean) {
  std::vector<double> sums(blocks.count());
  for (std::int64_t point = 0; point < extent.points; ++point, x += extent.samples, mean += units) {
    for (std::int64_t block = 0; block < blocks.count(); ++block) {
      const T* values = x + blocks.begin(block);
      sums[block] =
          lane_sum(blocks.size(block), [&](std::int64_t n) { return static_cast<double>(values[n]); });
    }
    for (std::int64_t block = 0; block < blocks.count(); ++block) {
      double kept = 0;
      for (std::int64_t other = 0; other < blocks.count(); ++other) kept += other == block ? 0 : sums[other];
      mean[block * extent.points * units] = kept / static_cast<double>(extent.samples - blocks.size(block));
    }
  }
}

double share(const std::vector<double>& values) {
  const auto below = [](double value) { return value < significant; };
  return static_cast<double>(std::count_if(values.begin(), values.end(), below)) /
         static_cast<double>(values.size());
}

template <class Value>
double mean_over_units(const std::vector<double>& values, const Value& value) {
  double sum = 0;
  for (const double each : values) sum += value(each);
  return sum / static_cast<double>(values.size());
}

}  // namespace

std::vector<double> turning_angles(std::span<const double> a) {
  std::vector<double> angle(a.size() > 2 ? a.size() - 2 : 0);
  TurnCounter(std::ssize(a)).angles(a, angle);
  return angle;
}

double turns(std::span<const double> a) {
  return TurnCounter(std::ssize(a)).of_points(a);
}

UnitTurns unit_turns(const parallel::Communicator& ranks, const std::vector<std::int64_t>& units,
                     const at::Tensor& mean, const Extent& extent, const core::PointMap& points,
                     const RotationOptions& options, int threads) {
  constexpr std::size_t width = 1 + rotation_nulls * numbers_of_a_null;
  auto columns =
      table_of_units(ranks, units, width, extent.units, threads, [&](std::int64_t unit, double* line) {
        std::vector<double> a(turning_points(extent.points));
        TurnNulls nulls(points, options);
        copy_trajectory(mean, unit, a);
        nulls.assign(units[unit], a);
        const double turns = nulls.turns();
        *line++ = turns;
        for (std::size_t null = 0; null < rotation_nulls; ++null) {
          const TurnNulls::Numbers numbers = nulls.numbers(RotationNull{null}, turns);
          for (const double number : {numbers.mean, numbers.standard_deviation, numbers.abs_mean,
                                      numbers.p_more, numbers.p_fewer}) {
            *line++ = number;
          }
        }
      });
  UnitTurns result;
  result.local_turns = local_turns(ranks, std::ssize(units), mean, extent, threads);
  auto column = columns.begin();
  result.turns = std::move(*column++);
  for (UnitTurns::Null& null : result.null) {
    for (auto* numbers :
         {&null.mean, &null.standard_deviation, &null.abs_mean, &null.p_more, &null.p_fewer}) {
      *numbers = std::move(*column++);
    }
  }
  return result;
}

std::vector<double> mean_turns(const parallel::Communicator& ranks, const std::vector<std::int64_t>& units,
                               const at::Tensor& mean, const Extent& extent, int threads) {
  auto columns = table_of_units(ranks, units, 1, extent.units, threads, [&](std::int64_t unit, double* line) {
    std::vector<double> a(turning_points(extent.points));
    copy_trajectory(mean, unit, a);
    *line = turns(a);
  });
  return std::move(columns.front());
}

std::vector<double> false_discovery_rates(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::size_t one, std::size_t other) { return p[one] < p[other]; });
  std::vector<double> q(p.size());
  double least = 1;
  for (std::size_t rank = p.size(); rank > 0; --rank) {
    const std::size_t at = order[rank - 1];
    least = std::min(least, p[at] * static_cast<double>(p.size()) / static_cast<double>(rank));
    q[at] = least;
  }
  return q;
}

TurnSummary summarise(const UnitTurns& turns) {
  TurnSummary summary;
  summary.mean = mean_over_units(turns.turns, [](double value) { return std::abs(value); });
  for (std::size_t i = 0; i < rotation_nulls; ++i) {
    const UnitTurns::Null& null = turns.null[i];
    summary.null[i] = {mean_over_units(null.abs_mean, [](double value) { return value; }), share(null.p_more),
                       share(null.p_fewer), share(false_discovery_rates(null.p_more)),
                       share(false_discovery_rates(null.p_fewer))};
  }
  return summary;
}

std::vector<TurnSummary> left_out_turns(const parallel::Communicator& ranks, const UnitShard& shard,
                                        const Extent& extent, const core::PointMap& points,
                                        const RotationOptions& options, int threads) {
  const SampleBlocks blocks(extent.samples);
  const std::int64_t units = std::ssize(shard.units);
  at::Tensor means;
  parallel::agree(ranks, phase, [&] {
    means = at::empty({blocks.count(), extent.points, units}, at::kDouble);
    with_rows(shard.x, [&](const auto* x) {
      schedule::parallel_for(units, threads, [&](std::int64_t unit) {
        leave_out_blocks(x + unit * extent.points * extent.samples, blocks, extent, units,
                         means.mutable_data_ptr<double>() + unit);
      });
    });
  });
  const RotationOptions fewer{std::max<std::int64_t>(1, options.permutations / left_out_share), options.seed};
  std::vector<TurnSummary> summaries;
  for (std::int64_t block = 0; block < blocks.count(); ++block) {
    const UnitTurns turns = unit_turns(ranks, shard.units, means[block], extent, points, fewer, threads);
    if (ranks.is_root()) summaries.push_back(summarise(turns));
  }
  return summaries;
}

SampleTurns sample_turns(const parallel::Communicator& ranks, const UnitShard& shard, const Extent& extent,
                         int threads) {
  auto columns =
      table_of_units(ranks, shard.units, 2, extent.units, threads, [&](std::int64_t unit, double* line) {
        with_rows(shard.x, [&](const auto* x) {
          const Spread spread(sample_turns_of(x + unit * extent.points * extent.samples, extent));
          line[0] = spread.mean;
          line[1] = spread.standard_deviation;
        });
      });
  return {std::move(columns[0]), std::move(columns[1])};
}

at::Tensor row_turns(const at::Tensor& rows, int threads) {
  const std::int64_t points = turning_points(rows.size(1));
  const std::int64_t units = rows.size(2);
  at::Tensor result = at::empty({rows.size(0), units}, at::kDouble);
  double* turns = result.mutable_data_ptr<double>();
  with_rows(rows, [&](const auto* x) {
    schedule::parallel_for(rows.size(0), threads, [&](std::int64_t row) {
      TurnCounter counter(points);
      std::vector<double> a(points);
      const auto* streams = x + row * rows.size(1) * units;
      for (std::int64_t unit = 0; unit < units; ++unit) {
        for (std::int64_t point = 0; point < points; ++point) {
          a[point] = static_cast<double>(streams[point * units + unit]);
        }
        turns[row * units + unit] = counter.of_points(a);
      }
    });
  });
  return result;
}

}  // namespace orrery::statistics
