#include "row_measures.hpp"

#include "orrery/core/not_a_number.hpp"
#include "permutation.hpp"
#include "vectors.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace orrery::statistics {

RowMeasures::RowMeasures(const Extent& extent, std::vector<std::int64_t> permuted_points)
    : extent_(extent), permuted_points_(std::move(permuted_points)) {
  check_permutation(permuted_points_, extent.points);
}

std::int64_t RowMeasures::columns() const {
  return permuted_velocity() + steps();
}

/// The measures of one stream.
void RowMeasures::measure_point(std::span<const double> x, std::int64_t point, double* line) const {
  const std::int64_t count = std::ssize(x);
  const double units = static_cast<double>(count);
  const double length = std::sqrt(inner_product(x.data(), x.data(), count));
  const double absolute = lane_sum(count, [&](std::int64_t d) { return std::abs(x[d]); });
  const double above =
      lane_sum(count, [&](std::int64_t d) { return std::abs(x[d]) > active_threshold ? 1.0 : 0.0; });
  const double mean = lane_sum(count, [&](std::int64_t d) { return x[d]; }) / units;
  const auto square = [&](std::int64_t d) { return (x[d] - mean) * (x[d] - mean); };
  const double second = lane_sum(count, square) / units;
  const double fourth = lane_sum(count, [&](std::int64_t d) { return square(d) * square(d); }) / units;
  const bool level = std::all_of(x.begin(), x.end(), [&](double value) { return value == x[0]; });
  line[norm() + point] = length;
  line[abs() + point] = absolute / units;
  line[active() + point] = above / units;
  line[hoyer() + point] = ratio(std::sqrt(units) - ratio(absolute, length), std::sqrt(units) - 1);
  line[kurtosis() + point] = level ? core::not_a_number : ratio(fourth, second * second) - 3;
}

/// The measures of the step from `before` to `after`, which is left in `change`; the norms are there already.
void RowMeasures::measure_step(std::span<const double> before, std::span<const double> after,
                               std::int64_t step, std::span<double> change, double* line) const {
  const std::int64_t count = std::ssize(before);
  const double norm_before = line[norm() + step];
  for (std::int64_t d = 0; d < count; ++d) change[d] = after[d] - before[d];
  const double length = std::sqrt(inner_product(change.data(), change.data(), count));
  line[cosine() + step] =
      cosine_of(inner_product(before.data(), after.data(), count), norm_before, line[norm() + step + 1]);
  line[velocity() + step] = length;
  line[relative_velocity() + step] = ratio(length, norm_before);
}

/// Cosine and velocity of the points as relabelled. The two points of a layer stay neighbours, so about half
/// of the steps have been measured already.
template <class T>
void RowMeasures::measure_permuted(const T* x, double* line) const {
  for (std::int64_t step = 0; step < steps(); ++step) {
    const std::int64_t here = permuted_points_[step];
    const std::int64_t next = permuted_points_[step + 1];
    if (next == here + 1) {
      line[permuted_cosine() + step] = line[cosine() + here];
      line[permuted_velocity() + step] = line[velocity() + here];
      continue;
    }
    const T* one = x + here * extent_.units;
    const T* other = x + next * extent_.units;
    line[permuted_cosine() + step] =
        cosine_of(inner_product(one, other, extent_.units), line[norm() + here], line[norm() + next]);
    line[permuted_velocity() + step] = distance(one, other, extent_.units);
  }
}

template <class T>
void RowMeasures::measure(const T* x, double* line) const {
  std::vector<double> before(extent_.units);
  std::vector<double> here(extent_.units);
  std::vector<double> last_change(extent_.units);
  std::vector<double> change(extent_.units);
  double arc = 0;
  for (std::int64_t point = 0; point < extent_.points; ++point) {
    std::copy_n(x + point * extent_.units, extent_.units, here.begin());
    measure_point(here, point, line);
    if (point > 0) {
      measure_step(before, here, point - 1, change, line);
      arc += line[velocity() + point - 1];
    }
    if (point > 1) {
      line[curvature() + point - 2] =
          angle_between(last_change.data(), line[velocity() + point - 2], change.data(),
                        line[velocity() + point - 1], extent_.units);
    }
    std::swap(before, here);
    std::swap(last_change, change);
  }
  line[straightness()] = ratio(arc, distance(x, x + (extent_.points - 1) * extent_.units, extent_.units));
  measure_permuted(x, line);
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
  result.cosine = series(cosine(), steps());
  result.velocity = series(velocity(), steps());
  result.relative_velocity = series(relative_velocity(), steps());
  result.norm = series(norm(), extent_.points);
  result.abs = series(abs(), extent_.points);
  result.active = series(active(), extent_.points);
  result.hoyer = series(hoyer(), extent_.points);
  result.kurtosis = series(kurtosis(), extent_.points);
  result.curvature = series(curvature(), bends());
  result.straightness = series(straightness(), 1);
  result.permuted_cosine = series(permuted_cosine(), steps());
  result.permuted_velocity = series(permuted_velocity(), steps());
  for (std::int64_t step = 0; step + 1 < steps(); ++step) {
    result.acceleration.push_back(result.velocity.mean[step + 1] - result.velocity.mean[step]);
  }
  return result;
}

}  // namespace orrery::statistics
