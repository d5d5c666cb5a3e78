#include "point_jackknife.hpp"

#include "orrery/schedule/workers.hpp"
#include "orrery/statistics/spectrum.hpp"
#include "scatter.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_eigvalsh.h>

#include <algorithm>
#include <numeric>

namespace orrery::statistics {
namespace {

/// The Gram matrix of the rows outside the block, about their own mean: the total's rows and columns that
/// stay, with each row's and each column's mean taken off.
at::Tensor gram_without(const at::Tensor& total, std::int64_t begin, std::int64_t end) {
  const std::int64_t samples = total.size(0);
  std::vector<std::int64_t> kept;
  for (std::int64_t n = 0; n < samples; ++n) {
    if (n < begin || n >= end) kept.push_back(n);
  }
  const std::int64_t count = std::ssize(kept);
  const double* from = total.const_data_ptr<double>();
  std::vector<double> mean(count);
  for (std::int64_t i = 0; i < count; ++i) {
    for (const std::int64_t n : kept) mean[i] += from[kept[i] * samples + n];
    mean[i] /= static_cast<double>(count);
  }
  const double overall = std::accumulate(mean.begin(), mean.end(), 0.0) / static_cast<double>(count);
  at::Tensor gram = at::empty({count, count}, at::kDouble);
  double* entry = gram.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t j = 0; j < count; ++j) {
      entry[i * count + j] = from[kept[i] * samples + kept[j]] - mean[i] - mean[j] + overall;
    }
  }
  return gram;
}

/// yᵀy of the rows outside the block, about their own mean: the total less the block's, less what the mean
/// has moved. Where one block holds nearly all of the variance, digits are lost as it is taken off: enough
/// stay for an error bar.
at::Tensor covariance_without(const at::Tensor& total, const at::Tensor& y, std::int64_t begin,
                              std::int64_t end) {
  const std::int64_t units = total.size(0);
  const std::int64_t count = y.size(0) - (end - begin);
  const double* row = y.const_data_ptr<double>();
  std::vector<double> shift(units);  // Σ y of the rows that stay, which is −Σ y of the block
  for (std::int64_t n = begin; n < end; ++n) {
    for (std::int64_t d = 0; d < units; ++d) shift[d] -= row[n * units + d];
  }
  at::Tensor scatter = symmetric_product(y.narrow(0, begin, end - begin).t());
  double* entry = scatter.mutable_data_ptr<double>();
  const double* all = total.const_data_ptr<double>();
  for (std::int64_t i = 0; i < units; ++i) {
    const double step = shift[i] / static_cast<double>(count);
    for (std::int64_t j = 0; j < units; ++j) {
      entry[i * units + j] = all[i * units + j] - entry[i * units + j] - step * shift[j];
    }
  }
  return scatter;
}

void measure(const at::Tensor& scatter, std::int64_t rows, LeftOutDimension& result) {
  const at::Tensor ascending = at::linalg_eigvalsh(scatter);
  std::vector<double> eigenvalues(ascending.numel());
  std::reverse_copy(ascending.const_data_ptr<double>(),
                    ascending.const_data_ptr<double>() + ascending.numel(), eigenvalues.begin());
  for (double& value : eigenvalues) value = std::max(value, 0.0);
  const double* entry = scatter.const_data_ptr<double>();
  double trace = 0;
  for (std::int64_t i = 0; i < scatter.size(0); ++i) trace += entry[i * (scatter.size(0) + 1)];
  const double trace_of_square = sum_of_squares(scatter);
  result.components = components_for(eigenvalues, 0.90);
  result.participation_ratio = participation_ratio(trace, trace_of_square);
  result.participation_ratio_corrected = corrected_participation_ratio(trace, trace_of_square, rows);
}

}  // namespace

std::vector<LeftOutDimension> leave_out_dimensions(const PointShard& shard,
                                                   const std::vector<std::int64_t>& points,
                                                   const Extent& extent, int threads) {
  const SampleBlocks blocks(extent.samples);
  std::vector<std::int64_t> places;  // of the shard
  for (std::int64_t p = 0; p < std::ssize(shard.points); ++p) {
    if (std::find(points.begin(), points.end(), shard.points[p].value()) != points.end()) places.push_back(p);
  }
  std::vector<CentredRows> rows(places.size());
  std::vector<at::Tensor> totals(places.size());
  schedule::parallel_for(std::ssize(places), threads, [&](std::int64_t i) {
    rows[i] = centre_rows(shard.x.select(0, places[i]));
    totals[i] = scatter_matrix(rows[i].y);
  });
  std::vector<LeftOutDimension> results(places.size() * blocks.count());
  schedule::parallel_for(std::ssize(results), threads, [&](std::int64_t i) {
    const std::int64_t place = i / blocks.count();
    LeftOutDimension& result = results[i];
    result.point = shard.points[places[place]].value();
    result.block = i % blocks.count();
    const std::int64_t begin = blocks.begin(result.block);
    const std::int64_t end = blocks.end(result.block);
    const at::Tensor scatter = by_gram(extent.samples, extent.units)
                                   ? gram_without(totals[place], begin, end)
                                   : covariance_without(totals[place], rows[place].y, begin, end);
    measure(scatter, extent.samples - (end - begin), result);
  });
  return results;
}

}  // namespace orrery::statistics
