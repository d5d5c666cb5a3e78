// The second pass of streaming: what rests on the pooled components.
#include "orrery/core/not_a_number.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "orrery/statistics/streamed_statistics.hpp"
#include "row_measures.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

namespace orrery::statistics {
namespace {

using core::infinity;

/// The least power of two that is at least `value`; 1 for 0, NaN for NaN.
double power_of_two_above(double value) {
  if (value == 0 || std::isnan(value)) return value == 0 ? 1 : value;
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  return std::ldexp(1.0, fraction == 0.5 ? exponent - 1 : exponent);
}

}  // namespace

/// Collective: once all points are taken.
void StreamedStatistics::prepare_scores() {
  const StatisticsOptions& o = options_.statistics;
  result_.pooled = pooled_scatter_->components(pooled_mean_, extent_.samples * extent_.points, o.components,
                                               pooled_rounding_);
  pooled_scatter_.reset();
  parallel::agree(ranks_, "making room for scores", [&] {
    mean_score_ = scores_of(means_, result_.pooled);
    const std::int64_t kept = result_.pooled.component.size(0);
    const std::int64_t flow = std::min(kept, most_flow_components);
    score_range_.assign(2 * extent_.points * kept, infinity);
    std::fill(score_range_.begin() + extent_.points * kept, score_range_.end(), -infinity);
    flow_sums_ = std::make_unique<GramSums>(extent_.points - 1, 2 * flow);
    score_quantum_ = at::empty({extent_.points, flow}, at::kDouble);
    for (std::int64_t point = 0; point < extent_.points; ++point) {
      for (std::int64_t i = 0; i < flow; ++i) {
        score_quantum_.mutable_data_ptr<double>()[point * flow + i] =
            power_of_two_above(farthest_score(point, i)) / Quanta::headroom;
      }
    }
    extremes_.reset();
    means_ = at::Tensor();
  });
}

/// What no score of a point is farther from its mean: Σ |v_d| times the unit's farthest value from its own,
/// and the roundings of two sums of D products. With that as the headroom of the quanta, none goes beyond.
double StreamedStatistics::farthest_score(std::int64_t point, std::int64_t component) const {
  const double* v = result_.pooled.component.const_data_ptr<double>() + component * extent_.units;
  const double* centre = result_.pooled.mean.const_data_ptr<double>();
  const double* mean = means_.const_data_ptr<double>() + point * extent_.units;
  double farthest = 0;
  double sizes = 0;  // of the products in a score
  for (std::int64_t d = 0; d < extent_.units; ++d) {
    const double far =
        std::max(extremes_->greatest(point, d) - mean[d], mean[d] - extremes_->least(point, d));
    farthest += std::abs(v[d]) * far;
    sizes += std::abs(v[d]) * (far + std::abs(mean[d] - centre[d]));
  }
  return farthest + static_cast<double>(extent_.units + 4) * 0x1p-51 * sizes;
}

at::Tensor StreamedStatistics::add_scores(const SampleShard& rows) {
  const std::int64_t count = std::ssize(rows.samples);
  const std::int64_t kept = result_.pooled.component.size(0);
  at::Tensor score = at::empty({count, extent_.points, kept}, at::kDouble);
  if (count == 0) return score.to(at::kFloat);
  rows_ += count;
  const std::int64_t bends = plane_moments_.size();
  std::vector<double> angles(count * bends);
  schedule::parallel_for(count, options_.statistics.threads, [&](std::int64_t row) {
    const at::Tensor one = scores_of(rows.x[row], result_.pooled);
    score[row].copy_(one);
    std::vector<double> plane(2 * extent_.points, core::not_a_number);
    const double* z = one.const_data_ptr<double>();
    for (std::int64_t point = 0; point < extent_.points && kept > 1; ++point) {
      std::copy_n(z + point * kept, 2, plane.begin() + 2 * point);
    }
    plane_bends(plane, std::span(angles).subspan(row * bends, bends));
  });
  for (std::int64_t i = 0; i < std::ssize(angles); ++i) plane_moments_.add(i % bends, angles[i]);
  const double* z = score.const_data_ptr<double>();
  const std::int64_t places = extent_.points * kept;
  for (std::int64_t i = 0; i < score.numel(); ++i) {
    double& least = score_range_[i % places];
    double& greatest = score_range_[places + i % places];
    least = std::min(least, z[i]);  // a NaN, beyond the pooled rank, changes neither
    greatest = std::max(greatest, z[i]);
  }
  add_flow(score);
  return score.to(at::kFloat);
}

void StreamedStatistics::add_flow(const at::Tensor& score) {
  const std::int64_t count = score.size(0);
  const std::int64_t kept = score.size(2);
  const std::int64_t flow = score_quantum_.size(1);
  const double* z = score.const_data_ptr<double>();
  const double* mean = mean_score_.const_data_ptr<double>();
  const double* quantum = score_quantum_.const_data_ptr<double>();
  schedule::parallel_for(extent_.points - 1, options_.statistics.threads, [&](std::int64_t step) {
    at::Tensor q = at::zeros({count, 2 * flow}, at::kDouble);
    double* to = q.mutable_data_ptr<double>();
    for (std::int64_t row = 0; row < count; ++row) {
      for (std::int64_t side = 0; side < 2; ++side) {
        const std::int64_t point = step + side;
        for (std::int64_t i = 0; i < flow; ++i) {
          const double value = (z[(row * extent_.points + point) * kept + i] - mean[point * kept + i]) /
                               quantum[point * flow + i];
          // Components beyond the pooled rank have no scores, and in the end no products.
          to[(row * 2 + side) * flow + i] = std::isnan(value) ? 0 : std::nearbyint(value);
        }
      }
    }
    flow_sums_->add(step, q);
  });
}

void StreamedStatistics::finish_scores() {
  expect_all_rows("a pass over the scores");
  plane_moments_.reduce(ranks_);
  const std::int64_t kept = result_.pooled.component.size(0);
  const std::int64_t places = extent_.points * kept;
  ranks_.min(std::span(score_range_).first(places));
  ranks_.max(std::span(score_range_).subspan(places));
  flow_sums_->reduce(ranks_, 0, 0, extent_.points - 1);
  parallel::agree(ranks_, "statistics of scores", [&] {
    if (!ranks_.is_root()) return;
    result_.plane_curvature.length = plane_moments_.size();
    for (std::int64_t bend = 0; bend < plane_moments_.size(); ++bend) {
      result_.plane_curvature.mean.push_back(plane_moments_.mean(bend));
      result_.plane_curvature.standard_deviation.push_back(plane_moments_.standard_deviation(bend));
    }
    result_.scores.mean_score = mean_score_;
    result_.scores.score_range = at::empty({2, extent_.points, kept}, at::kDouble);
    double* range = result_.scores.score_range.mutable_data_ptr<double>();
    for (std::size_t i = 0; i < score_range_.size(); ++i) {
      range[i] = std::isinf(score_range_[i]) ? core::not_a_number : score_range_[i];
    }
    const std::int64_t flow = score_quantum_.size(1);
    const double* quantum = score_quantum_.const_data_ptr<double>();
    const double rows = static_cast<double>(extent_.samples);
    for (std::int64_t step = 0; step + 1 < extent_.points; ++step) {
      at::Tensor gram = at::empty({2 * flow, 2 * flow}, at::kDouble);
      double* entry = gram.mutable_data_ptr<double>();
      const double* scale = quantum + step * flow;  // of points s and s + 1, side by side
      for (std::int64_t i = 0; i < 2 * flow; ++i) {
        for (std::int64_t j = i; j < 2 * flow; ++j) {
          entry[i * 2 * flow + j] = entry[j * 2 * flow + i] =
              flow_sums_->centred(step, i, j) / rows * scale[i] * scale[j];
        }
      }
      result_.flow.push_back(linear_flow_of_moments(gram, extent_.samples));
    }
  });
}

}  // namespace orrery::statistics
