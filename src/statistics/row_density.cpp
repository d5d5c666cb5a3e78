#include "row_density.hpp"

#include "vectors.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::statistics {

RowDescription RowNorm::describe(std::int64_t) const {
  return {.path = "/density/norm",
          .what = "the Euclidean norm of x[n,s]",
          .undefined = "",
          .range = core::not_negative};
}

double RowNorm::at_point(const RowPoint& point) const {
  return point.norm;
}

RowDescription RowAbs::describe(std::int64_t) const {
  return {.path = "/density/abs",
          .what = "the mean over units of |x[n,s,d]|",
          .undefined = "",
          .range = core::not_negative};
}

double RowAbs::at_point(const RowPoint& point) const {
  return point.absolute / static_cast<double>(point.x.size());
}

RowDescription RowActive::describe(std::int64_t) const {
  return {.path = "/density/active",
          .what = "the fraction of units with |x[n,s,d]| > threshold",
          .undefined = "",
          .range = core::share_range,
          .attributes = {{"threshold", threshold}}};
}

double RowActive::at_point(const RowPoint& point) const {
  const std::span<const double> x = point.x;
  return lane_sum(std::ssize(x), [&](std::int64_t d) { return std::abs(x[d]) > threshold ? 1.0 : 0.0; }) /
         static_cast<double>(x.size());
}

RowDescription RowHoyer::describe(std::int64_t) const {
  return {.path = "/density/hoyer",
          .what = "the Hoyer sparsity (sqrt(D) - |x|_1 / |x|_2) / (sqrt(D) - 1) of x[n,s]",
          .undefined = "x[n,s] is 0",
          .range = core::share_range};
}

double RowHoyer::at_point(const RowPoint& point) const {
  const double root = std::sqrt(static_cast<double>(point.x.size()));
  return ratio(root - ratio(point.absolute, point.norm), root - 1);
}

RowDescription RowKurtosis::describe(std::int64_t units) const {
  return {.path = "/density/kurtosis",
          .what = "the excess kurtosis m4 / m2^2 - 3 over units of x[n,s]",
          .undefined = "all units of x[n,s] are equal",
          .range = {-2, static_cast<double>(units)}};
}

double RowKurtosis::at_point(const RowPoint& point) const {
  const std::span<const double> x = point.x;
  if (std::ranges::all_of(x, [&](double value) { return value == x[0]; })) return core::not_a_number;
  const std::int64_t count = std::ssize(x);
  const auto units = static_cast<double>(count);
  const double mean = lane_sum(count, [&](std::int64_t d) { return x[d]; }) / units;
  const auto square = [&](std::int64_t d) { return (x[d] - mean) * (x[d] - mean); };
  const double second = lane_sum(count, square) / units;
  const double fourth = lane_sum(count, [&](std::int64_t d) { return square(d) * square(d); }) / units;
  return ratio(fourth, second * second) - 3;
}

}  // namespace orrery::statistics
