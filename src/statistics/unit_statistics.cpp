#include "orrery/statistics/unit_statistics.hpp"

#include "orrery/parallel/agreement.hpp"
#include "unit_moments.hpp"
#include "unit_sums.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <span>

namespace orrery::statistics {
namespace {

/// The sums that a block of units leaves behind: plain doubles, so that they travel and add up as one list.
class BlockSums {
 public:
  BlockSums(std::span<double> sums, const Extent& extent, const SampleBlocks& blocks)
      : correlation(sums, pairs(extent)),
        null(sums.subspan(SumRun::size(pairs(extent))), steps(extent)),
        adjacent_left_out(sums.subspan(SumRun::size(pairs(extent) + steps(extent))),
                          steps(extent) * blocks.count()),
        null_left_out(sums.subspan(SumRun::size(pairs(extent) + steps(extent) * (1 + blocks.count()))),
                      steps(extent) * blocks.count()) {}

  static std::int64_t size(const Extent& extent, const SampleBlocks& blocks) {
    return SumRun::size(pairs(extent) + steps(extent) * (1 + 2 * blocks.count()));
  }

  SumRun correlation;        // (P, P), upper triangle
  SumRun null;               // (P − 1)
  SumRun adjacent_left_out;  // (blocks, P − 1)
  SumRun null_left_out;      // (blocks, P − 1)

 private:
  static std::int64_t pairs(const Extent& extent) { return extent.points * extent.points; }
  static std::int64_t steps(const Extent& extent) { return extent.points - 1; }
};

/// Works through this rank's units, a block at a time.
class BlockWorker {
 public:
  BlockWorker(const UnitShard& shard, const Extent& extent, UnitStatistics& result)
      : extent_(extent),
        blocks_(extent.samples),
        units_(std::ssize(shard.units)),
        mean_(result.mean.mutable_data_ptr<double>()),
        variance_(result.variance.mutable_data_ptr<double>()),
        adjacent_(result.adjacent_correlation.mutable_data_ptr<float>()) {}

  /// A block of this rank's units: its columns of the result, and its sums, which start as zeros.
  template <class T>
  void work(UnitRange range, const T* x, std::span<double> sums) const {
    UnitMoments moments(extent_.points, extent_.samples);
    BlockSums block_sums(sums, extent_, blocks_);
    for (std::int64_t unit = range.begin; unit < range.end; ++unit) {
      moments.assign(x + unit * extent_.points * extent_.samples);
      write_columns(moments, unit);
      add(moments, block_sums);
      add_left_out(moments, block_sums);
    }
  }

 private:
  void write_columns(const UnitMoments& moments, std::int64_t unit) const {
    for (std::int64_t point = 0; point < extent_.points; ++point) {
      mean_[point * units_ + unit] = moments.mean(point);
      variance_[point * units_ + unit] = moments.variance(point);
    }
    for (std::int64_t step = 0; step + 1 < extent_.points; ++step) {
      adjacent_[step * units_ + unit] = static_cast<float>(moments.correlation(step, step + 1));
    }
  }

  void add(const UnitMoments& moments, BlockSums& sums) const {
    add_correlations(moments, extent_.points, sums.correlation);
    for (std::int64_t step = 0; step + 1 < extent_.points; ++step)
      sums.null.add(step, moments.residual_null(step));
  }

  void add_left_out(UnitMoments& moments, BlockSums& sums) const {
    const std::int64_t steps = extent_.points - 1;
    std::vector<double> correlation(steps);
    std::vector<double> null(steps);
    moments.sum_blocks(blocks_);
    for (std::int64_t left_out = 0; left_out < blocks_.count(); ++left_out) {
      moments.leave_out(blocks_, left_out, correlation.data(), null.data());
      for (std::int64_t step = 0; step < steps; ++step) {
        sums.adjacent_left_out.add(left_out * steps + step, correlation[step]);
        sums.null_left_out.add(left_out * steps + step, null[step]);
      }
    }
  }

  const Extent& extent_;
  SampleBlocks blocks_;
  std::int64_t units_;
  double* mean_;      // (P, u)
  double* variance_;  // (P, u)
  float* adjacent_;   // (P − 1, u)
};

void finish(std::span<double> total, const Extent& extent, UnitStatistics& result) {
  const SampleBlocks blocks(extent.samples);
  const BlockSums sums(total, extent, blocks);
  const std::int64_t points = extent.points;
  result.correlation = mean_correlation(sums.correlation, points);
  for (std::int64_t one = 0; one < points; ++one) {
    for (std::int64_t other = 0; other < points; ++other) {
      const std::int64_t place = std::min(one, other) * points + std::max(one, other);
      result.correlation_units.push_back(sums.correlation.count(place));
    }
  }
  for (std::int64_t step = 0; step + 1 < points; ++step) result.residual_null.push_back(sums.null.mean(step));
  for (std::int64_t place = 0; place < blocks.count() * (points - 1); ++place) {
    result.adjacent_left_out.push_back(sums.adjacent_left_out.mean(place));
    result.residual_null_left_out.push_back(sums.null_left_out.mean(place));
  }
}

}  // namespace

UnitStatistics unit_statistics(const parallel::Communicator& ranks, const UnitShard& shard,
                               const Extent& extent, int threads) {
  constexpr const char* phase = "statistics of units";
  const std::int64_t units = std::ssize(shard.units);
  UnitStatistics result;
  parallel::agree(ranks, phase, [&] {
    result.units = shard.units;
    result.mean = at::empty({extent.points, units}, at::kDouble);
    result.variance = at::empty({extent.points, units}, at::kDouble);
    result.adjacent_correlation = at::empty({extent.points - 1, units}, at::kFloat);
  });
  const BlockWorker worker(shard, extent, result);
  const std::int64_t size = BlockSums::size(extent, SampleBlocks(extent.samples));
  std::vector<double> total =
      sum_over_units(ranks, phase, units, size, threads, [&](UnitRange range, std::span<double> sums) {
        with_rows(shard.x, [&](const auto* x) { worker.work(range, x, sums); });
      });
  parallel::agree(ranks, phase, [&] {
    if (ranks.is_root()) finish(total, extent, result);
  });
  return result;
}

}  // namespace orrery::statistics
