#include "orrery/statistics/geometry.hpp"

#include "halo.hpp"
#include "orrery/core/not_a_number.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "row_access.hpp"
#include "row_spread.hpp"
#include "vectors.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace orrery::statistics {
namespace {

using core::not_a_number;

// Every product has the same shape, the last one's spare rows being 0: with other shapes, rows at the end of
// a product have other bits than the same rows elsewhere. Columns of 0 make all rows equally aligned, which
// matters as well.
template <class T>
at::Tensor project(const T* x, std::int64_t rows, const PooledComponents& pooled) {
  constexpr std::int64_t block = 128;
  constexpr std::int64_t alignment = 8;
  const std::int64_t units = pooled.mean.numel();
  const double* mean = pooled.mean.const_data_ptr<double>();
  const std::int64_t width = (units + alignment - 1) / alignment * alignment;
  const at::Tensor directions = at::zeros({pooled.component.size(0), width}, at::kDouble);
  directions.narrow(1, 0, units).copy_(pooled.component);
  at::Tensor score = at::empty({rows, pooled.component.size(0)}, at::kDouble);
  at::Tensor centred = at::zeros({block, width}, at::kDouble);
  double* y = centred.mutable_data_ptr<double>();
  for (std::int64_t begin = 0; begin < rows; begin += block) {
    const std::int64_t count = std::min(block, rows - begin);
    for (std::int64_t n = 0; n < count; ++n) {
      const T* row = x + (begin + n) * units;
      for (std::int64_t d = 0; d < units; ++d) y[n * width + d] = static_cast<double>(row[d]) - mean[d];
    }
    std::fill(y + count * width, y + block * width, 0.0);
    score.narrow(0, begin, count).copy_(at::mm(centred, directions.t()).narrow(0, 0, count));
  }
  return score;
}

/// Writes Σ over rows ÷ N, the least and the greatest of each column of `score` (N, k′).
void summarise(const at::Tensor& score, double* mean, double* least, double* greatest) {
  const std::int64_t modes = score.size(1);
  const double* row = score.const_data_ptr<double>();
  std::fill(mean, mean + modes, 0.0);
  std::copy_n(row, modes, least);
  std::copy_n(row, modes, greatest);
  for (std::int64_t n = 0; n < score.size(0); ++n, row += modes) {
    for (std::int64_t i = 0; i < modes; ++i) {
      mean[i] += row[i];
      least[i] = std::min(least[i], row[i]);
      greatest[i] = std::max(greatest[i], row[i]);
    }
  }
  for (std::int64_t i = 0; i < modes; ++i) mean[i] /= static_cast<double>(score.size(0));
}

/// How many rows of `component` (k, D) there are before those that are NaN.
std::int64_t valid_rows(const at::Tensor& component) {
  const double* entry = component.const_data_ptr<double>();
  std::int64_t count = 0;
  while (count < component.size(0) && !std::isnan(entry[count * component.size(1)])) ++count;
  return count;
}

/// The angles between the spans of the leading valid rows of `one` and `other` (k, D), to `angles` (k), which
/// are NaN so far.
void angles_between(const at::Tensor& one, const at::Tensor& other, double* angles) {
  const std::int64_t count = std::min(valid_rows(one), valid_rows(other));
  if (count == 0) return;
  const at::Tensor a = one.narrow(0, 0, count);
  const at::Tensor b = other.narrow(0, 0, count);
  const at::Tensor overlap = at::mm(b, a.t());
  const at::Tensor cosines = at::linalg_svdvals(overlap);                  // descending: angles ascend
  const at::Tensor sines = at::linalg_svdvals(b.sub(at::mm(overlap, a)));  // descending: angles descend
  const double* cosine = cosines.const_data_ptr<double>();
  const double* sine = sines.const_data_ptr<double>();
  for (std::int64_t i = 0; i < count; ++i) {
    const double small = std::asin(std::min(sine[count - 1 - i], 1.0));
    angles[i] = small < std::numbers::pi / 4 ? small : std::acos(std::min(cosine[i], 1.0));
  }
}

/// All ranks' numbers as one tensor of `shape` on rank 0: ranks hold the points in order.
at::Tensor joined(const parallel::Communicator& ranks, const std::vector<double>& own,
                  at::IntArrayRef shape) {
  const auto by_rank = ranks.gather_values<double>(own);
  if (!ranks.is_root()) return {};
  at::Tensor all = at::empty(shape, at::kDouble);
  double* to = all.mutable_data_ptr<double>();
  for (const std::vector<double>& one : by_rank) to = std::copy(one.begin(), one.end(), to);
  return all;
}

}  // namespace

at::Tensor scores_of(const at::Tensor& rows, const PooledComponents& pooled) {
  at::Tensor score;
  with_rows(rows, [&](const auto* x) { score = project(x, rows.size(0), pooled); });
  return score;
}

PooledScores pooled_scores(const parallel::Communicator& ranks, const PointShard& shard,
                           const PooledComponents& pooled, int threads) {
  const std::int64_t own = std::ssize(shard.points);
  const std::int64_t modes = pooled.component.size(0);
  const std::int64_t points = ranks.sum(own);
  PooledScores result;
  std::array<std::vector<double>, 3> summary;  // mean, least, greatest: (p, k′)
  parallel::agree(ranks, "pooled scores", [&] {
    result.score = at::empty({own, shard.x.size(1), modes}, at::kDouble);
    for (std::vector<double>& numbers : summary) numbers.resize(own * modes);
    schedule::parallel_for(own, threads, [&](std::int64_t p) {
      at::Tensor score = result.score.select(0, p);
      score.copy_(scores_of(shard.x.select(0, p), pooled));
      summarise(score, &summary[0][p * modes], &summary[1][p * modes], &summary[2][p * modes]);
    });
  });
  result.mean_score = joined(ranks, summary[0], {points, modes});
  const at::Tensor least = joined(ranks, summary[1], {points, modes});
  const at::Tensor greatest = joined(ranks, summary[2], {points, modes});
  if (!ranks.is_root()) return result;
  result.score_range = at::empty({2, points, modes}, at::kDouble);
  result.score_range.select(0, 0).copy_(least);
  result.score_range.select(0, 1).copy_(greatest);
  return result;
}

void plane_bends(std::span<const double> plane, std::span<double> bends) {
  const auto step = [&](std::size_t s) {
    return std::array{plane[2 * s + 2] - plane[2 * s], plane[2 * s + 3] - plane[2 * s + 1]};
  };
  for (std::size_t s = 0; s < bends.size(); ++s) {
    const std::array<double, 2> u = step(s);
    const std::array<double, 2> v = step(s + 1);
    bends[s] = angle_between(u.data(), std::hypot(u[0], u[1]), v.data(), std::hypot(v[0], v[1]), 2);
  }
}

RowSeries plane_curvature(const parallel::Communicator& ranks, const at::Tensor& score,
                          const Extent& extent) {
  std::vector<double> own;  // (p, N, 2)
  parallel::agree(ranks, "plane curvature", [&] {
    own.reserve(score.size(0) * extent.samples * 2);
    const double* z = score.const_data_ptr<double>();
    for (std::int64_t line = 0; line < score.size(0) * extent.samples; ++line) {
      for (std::int64_t i = 0; i < 2; ++i) {
        own.push_back(i < score.size(2) ? z[line * score.size(2) + i] : not_a_number);
      }
    }
  });
  const at::Tensor plane = joined(ranks, own, {extent.points, extent.samples, 2});
  RowSeries result;
  parallel::agree(ranks, "plane curvature", [&] {
    if (!ranks.is_root()) return;
    result.length = std::max<std::int64_t>(0, extent.points - 2);
    result.rows.resize(extent.samples * result.length);
    const at::Tensor by_row = plane.transpose(0, 1).contiguous();
    const double* row = by_row.const_data_ptr<double>();
    for (std::int64_t n = 0; n < extent.samples; ++n) {
      plane_bends({row + n * extent.points * 2, static_cast<std::size_t>(extent.points * 2)},
                  std::span(result.rows).subspan(n * result.length, result.length));
    }
    RowSpread spread(result.rows, result.length);
    result.mean = std::move(spread.mean);
    result.standard_deviation = std::move(spread.standard_deviation);
  });
  return result;
}

at::Tensor principal_angles(const parallel::Communicator& ranks, const PointStatistics& points, int threads) {
  const std::int64_t own = std::ssize(points.points);
  const std::int64_t modes = points.component.size(1);
  const std::int64_t all = ranks.sum(own);
  const at::Tensor next = next_point(ranks, points.component);
  std::vector<double> angles;  // (p, k), one line less on the rank of the last point
  parallel::agree(ranks, "principal angles", [&] {
    const std::int64_t steps = next.defined() ? own : std::max<std::int64_t>(0, own - 1);
    angles.assign(steps * modes, not_a_number);
    if (modes == 0) return;
    schedule::parallel_for(steps, threads, [&](std::int64_t p) {
      const at::Tensor other = p + 1 < own ? points.component.select(0, p + 1) : next;
      angles_between(points.component.select(0, p), other, angles.data() + p * modes);
    });
  });
  return joined(ranks, angles, {all - 1, modes});
}

}  // namespace orrery::statistics
