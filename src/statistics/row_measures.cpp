#include "row_measures.hpp"

#include "permutation.hpp"
#include "vectors.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace orrery::statistics {

RowMeasures::RowMeasures(const Extent& extent, std::vector<std::int64_t> permuted_points)
    : extent_(extent), permuted_points_(std::move(permuted_points)) {
  check_permutation(permuted_points_, extent.points);
  for (const RowStatistic* one : row_statistics()) {
    all_.push_back({one, one->describe(extent.units), columns_});
    columns_ += length_of(all_.back().description.along);
  }
  const auto first_of = [&](const char* path) {
    return std::ranges::find(all_, path, [](const Column& column) { return column.description.path; })->first;
  };
  cosine_ = first_of(row_cosine);
  velocity_ = first_of(row_velocity);
  straightness_ = first_of(row_straightness);
  permuted_cosine_ = columns_;
  permuted_velocity_ = permuted_cosine_ + steps();
  columns_ = permuted_velocity_ + steps();
}

std::int64_t RowMeasures::length_of(Along along) const {
  switch (along) {
    case Along::points:
      return extent_.points;
    case Along::steps:
      return steps();
    case Along::bends:
      return std::max<std::int64_t>(0, extent_.points - 2);
    case Along::path:
      break;
  }
  return 1;
}

namespace {

double number_at(const RowStatistic& statistic, const RowPoint& point) {
  return statistic.at_point(point);
}
double number_at(const RowStatistic& statistic, const RowStep& step) {
  return statistic.at_step(step);
}
double number_at(const RowStatistic& statistic, const RowBend& bend) {
  return statistic.at_bend(bend);
}
double number_at(const RowStatistic& statistic, const RowPath& way) {
  return statistic.of_path(way);
}

}  // namespace

template <class Place>
void RowMeasures::put(Along along, std::int64_t place, const Place& there, double* line) const {
  for (const Column& column : all_) {
    if (column.description.along == along) line[column.first + place] = number_at(*column.statistic, there);
  }
}

/// Cosine and velocity of the points as relabelled. The points of a layer stay neighbours, so that about half
/// of the steps have been measured already.
template <class T>
void RowMeasures::measure_permuted(const T* x, std::span<const double> norms, double* line) const {
  for (std::int64_t step = 0; step < steps(); ++step) {
    const std::int64_t here = permuted_points_[step];
    const std::int64_t next = permuted_points_[step + 1];
    if (next == here + 1) {
      line[permuted_cosine_ + step] = line[cosine_ + here];
      line[permuted_velocity_ + step] = line[velocity_ + here];
      continue;
    }
    const T* one = x + here * extent_.units;
    const T* other = x + next * extent_.units;
    line[permuted_cosine_ + step] =
        cosine_of(inner_product(one, other, extent_.units), norms[here], norms[next]);
    line[permuted_velocity_ + step] = distance(one, other, extent_.units);
  }
}

template <class T>
void RowMeasures::measure(const T* x, double* line) const {
  const std::int64_t units = extent_.units;
  std::vector<double> before(units), here(units), last_change(units), change(units), norms(extent_.points);
  RowPoint point_before;
  double last_length = 0, arc = 0;
  for (std::int64_t point = 0; point < extent_.points; ++point) {
    std::copy_n(x + point * units, units, here.begin());
    const RowPoint now{here, std::sqrt(inner_product(here.data(), here.data(), units)),
                       lane_sum(units, [&](std::int64_t d) { return std::abs(here[d]); })};
    norms[point] = now.norm;
    put(Along::points, point, now, line);
    if (point > 0) {
      for (std::int64_t d = 0; d < units; ++d) change[d] = here[d] - before[d];
      const double length = std::sqrt(inner_product(change.data(), change.data(), units));
      arc += length;
      put(Along::steps, point - 1, RowStep{point_before, now, change, length}, line);
      if (point > 1) put(Along::bends, point - 2, RowBend{last_change, change, last_length, length}, line);
      last_length = length;
    }
    std::swap(before, here);
    std::swap(last_change, change);
    point_before = {before, now.norm, now.absolute};
  }
  put(Along::path, 0, RowPath{arc, distance(x, x + (extent_.points - 1) * units, units)}, line);
  measure_permuted(x, norms, line);
}

template void RowMeasures::measure(const float* x, double* line) const;
template void RowMeasures::measure(const double* x, double* line) const;

SampleStatistics RowMeasures::statistics(std::span<const double> mean,
                                         std::span<const double> standard_deviation,
                                         std::span<const double> table) const {
  const auto series = [&](std::int64_t first, std::int64_t length) {
    RowSeries result;
    result.length = length;
    result.mean.assign(mean.begin() + first, mean.begin() + first + length);
    result.standard_deviation.assign(standard_deviation.begin() + first,
                                     standard_deviation.begin() + first + length);
    for (auto line = table; !line.empty(); line = line.subspan(columns())) {
      result.rows.insert(result.rows.end(), line.begin() + first, line.begin() + first + length);
    }
    return result;
  };
  SampleStatistics result;
  for (const Column& column : all_) {
    result.series.emplace(column.description.path, series(column.first, length_of(column.description.along)));
  }
  result.permuted_cosine = series(permuted_cosine_, steps());
  result.permuted_velocity = series(permuted_velocity_, steps());
  const RowSeries& velocity = result.of(row_velocity);
  for (std::int64_t step = 0; step + 1 < steps(); ++step) {
    result.acceleration.push_back(velocity.mean[step + 1] - velocity.mean[step]);
  }
  return result;
}

}  // namespace orrery::statistics
