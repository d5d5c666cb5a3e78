#include "orrery/statistics/controls.hpp"

#include "orrery/core/narrow.hpp"
#include "orrery/core/random.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "orrery/statistics/rotation.hpp"
#include "row_access.hpp"
#include "turn_counter.hpp"
#include "unit_sums.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include <numeric>
#include <span>
#include <utility>

namespace orrery::statistics {
namespace {

constexpr std::int64_t row_padding = 16;  // the last rows of a product may have other bits than the rest

std::vector<std::int64_t> counted(std::int64_t count) {
  std::vector<std::int64_t> values(count);
  std::iota(values.begin(), values.end(), 0);
  return values;
}

/// Collective: the mean correlation over units of their rows, and turns of each. `rows_of(x, scratch)` gives
/// the rows (P, N) that stand for a unit's x (P, N), and `turns_of(rows, moments)` their turns.
template <class Rows, class Turns>
UnitControl control(const parallel::Communicator& ranks, const UnitShard& shard, const Extent& extent,
                    int threads, const Rows& rows_of, const Turns& turns_of) {
  constexpr const char* phase = "controls of units";
  const std::int64_t pairs = extent.points * extent.points;
  std::vector<double> turns;
  parallel::agree(ranks, phase, [&] { turns.resize(shard.units.size()); });
  const auto work = [&]<class T>(UnitRange range, const T* x, SumRun sums) {
    UnitMoments moments(extent.points, extent.samples);
    std::vector<T> scratch(extent.points * extent.samples);
    for (std::int64_t unit = range.begin; unit < range.end; ++unit) {
      const T* rows = rows_of(x + unit * extent.points * extent.samples, scratch);
      moments.assign(rows);
      add_correlations(moments, extent.points, sums);
      turns[unit] = turns_of(rows, moments);
    }
  };
  std::vector<double> total =
      sum_over_units(ranks, phase, std::ssize(shard.units), SumRun::size(pairs), threads,
                     [&](UnitRange range, std::span<double> sums) {
                       with_rows(shard.x, [&](const auto* x) { work(range, x, SumRun(sums, pairs)); });
                     });
  UnitControl result;
  result.turns = std::move(gather_units(ranks, phase, shard.units, turns, 1, extent.units).front());
  parallel::agree(ranks, phase, [&] {
    if (ranks.is_root()) result.correlation = mean_correlation(SumRun(total, pairs), extent.points);
  });
  return result;
}

}  // namespace

std::vector<std::int64_t> permuted_samples(std::uint64_t seed, std::int64_t point, std::int64_t samples) {
  std::vector<std::int64_t> shown = counted(samples);
  core::Random(seed, core::Purpose::sample_permutation, core::narrow<std::uint32_t>(point))
      .shuffle(std::span(shown));
  return shown;
}

std::vector<std::int64_t> permuted_layers(std::uint64_t seed, const core::PointMap& points) {
  std::vector<std::int64_t> layers = counted(points.layers());
  core::Random(seed, core::Purpose::layer_permutation).shuffle(std::span(layers));
  return points.in_order_of(layers);
}

at::Tensor random_basis(std::int64_t units, std::uint64_t seed) {
  at::Tensor normal = at::empty({units, units}, at::kDouble);
  double* rows = normal.mutable_data_ptr<double>();
  // On one thread, as is all that LibTorch does after it: a decomposition's bits depend on how many it has.
  schedule::parallel_for(units, 1, [&](std::int64_t row) {
    core::Random random(seed, core::Purpose::basis, core::narrow<std::uint32_t>(row));
    for (std::int64_t column = 0; column < units; ++column) rows[row * units + column] = random.normal();
  });
  const auto [q, r] = at::linalg_qr(normal);
  const at::Tensor basis = q.contiguous();
  const at::Tensor diagonal = r.diagonal().contiguous();
  const double* sign = diagonal.const_data_ptr<double>();
  double* entry = basis.mutable_data_ptr<double>();
  for (std::int64_t row = 0; row < units; ++row) {
    for (std::int64_t column = 0; column < units; ++column, ++entry) {
      if (sign[column] < 0) *entry = -*entry;
    }
  }
  return basis;
}

SampleShard rotate(const SampleShard& rows, const at::Tensor& basis, int threads) {
  const std::int64_t points = rows.x.size(1);
  const std::int64_t units = rows.x.size(2);
  const std::int64_t padded = (points + row_padding - 1) / row_padding * row_padding;
  SampleShard rotated{rows.samples, at::empty_like(rows.x)};
  schedule::parallel_for(rows.x.size(0), threads, [&](std::int64_t sample) {
    const at::Tensor x = at::zeros({padded, units}, at::kDouble);
    x.narrow(0, 0, points).copy_(rows.x[sample]);
    rotated.x[sample].copy_(at::mm(x, basis).narrow(0, 0, points));
  });
  return rotated;
}

UnitControl sample_permuted_units(const parallel::Communicator& ranks, const UnitShard& shard,
                                  const Extent& extent, std::uint64_t seed, int threads) {
  std::vector<std::vector<std::int64_t>> shown;
  parallel::agree(ranks, "controls of units", [&] {
    for (std::int64_t point = 0; point < extent.points; ++point) {
      shown.push_back(permuted_samples(seed, point, extent.samples));
    }
  });
  const auto permuted = [&]<class T>(const T* x, std::vector<T>& scratch) -> const T* {
    T* place = scratch.data();
    for (std::int64_t point = 0; point < extent.points; ++point, x += extent.samples) {
      for (const std::int64_t sample : shown[point]) *place++ = x[sample];
    }
    return scratch.data();
  };
  const auto mean_of_samples = [&](const auto* rows, const UnitMoments&) {
    return Spread(sample_turns_of(rows, extent)).mean;
  };
  return control(ranks, shard, extent, threads, permuted, mean_of_samples);
}

UnitControl random_basis_units(const parallel::Communicator& ranks, const UnitShard& shard,
                               const Extent& extent, int threads) {
  const auto as_they_are = []<class T>(const T* x, std::vector<T>&) { return x; };
  const auto of_the_mean = [&](const auto*, const UnitMoments& moments) {
    std::vector<double> trajectory(turning_points(extent.points));
    for (std::size_t point = 0; point < trajectory.size(); ++point) {
      trajectory[point] = moments.mean(static_cast<std::int64_t>(point));
    }
    return turns(trajectory);
  };
  return control(ranks, shard, extent, threads, as_they_are, of_the_mean);
}

UnitControl layer_permuted_units(const parallel::Communicator& ranks, const UnitStatistics& units,
                                 const Extent& extent, const core::PointMap& points, std::uint64_t seed,
                                 int threads) {
  std::vector<std::int64_t> shown;
  at::Tensor mean;
  parallel::agree(ranks, "controls of units", [&] {
    shown = permuted_layers(seed, points);
    mean = at::empty_like(units.mean);
    for (std::int64_t place = 0; place < extent.points; ++place) mean[place].copy_(units.mean[shown[place]]);
  });
  UnitControl result;
  result.turns = mean_turns(ranks, units.units, mean, extent, threads);
  if (!ranks.is_root()) return result;
  for (const std::int64_t one : shown) {
    for (const std::int64_t other : shown) {
      result.correlation.push_back(units.correlation[one * extent.points + other]);
    }
  }
  return result;
}

}  // namespace orrery::statistics
