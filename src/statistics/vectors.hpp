#pragma once

#include "orrery/core/not_a_number.hpp"
#include "row_access.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace orrery::statistics {

/// `above` over `below`; NaN where `below` is 0.
inline double ratio(double above, double below) {
  return below > 0 ? above / below : core::not_a_number;
}

/// Σ a_d b_d in double precision.
template <class T>
double inner_product(const T* a, const T* b, std::int64_t units) {
  return lane_sum(units,
                  [&](std::int64_t d) { return static_cast<double>(a[d]) * static_cast<double>(b[d]); });
}

/// ‖b − a‖₂ in double precision.
template <class T>
double distance(const T* a, const T* b, std::int64_t units) {
  return std::sqrt(lane_sum(units, [&](std::int64_t d) {
    const double change = static_cast<double>(b[d]) - static_cast<double>(a[d]);
    return change * change;
  }));
}

/// The cosine of vectors of these lengths and inner product, in [−1, 1]; NaN where a length is 0.
inline double cosine_of(double product, double norm_a, double norm_b) {
  const double cosine = ratio(ratio(product, norm_a), norm_b);
  return std::isnan(cosine) ? cosine : std::clamp(cosine, -1.0, 1.0);
}

/// The angle 2·atan2(‖û − v̂‖, ‖û + v̂‖) of vectors with these lengths; NaN where a length is 0.
inline double angle_between(const double* u, double norm_u, const double* v, double norm_v,
                            std::int64_t units) {
  if (!(norm_u > 0 && norm_v > 0)) return core::not_a_number;
  const double scale_u = 1 / norm_u;
  const double scale_v = 1 / norm_v;
  const double apart = lane_sum(units, [&](std::int64_t d) {
    const double difference = u[d] * scale_u - v[d] * scale_v;
    return difference * difference;
  });
  const double along = lane_sum(units, [&](std::int64_t d) {
    const double sum = u[d] * scale_u + v[d] * scale_v;
    return sum * sum;
  });
  return 2 * std::atan2(std::sqrt(apart), std::sqrt(along));
}

}  // namespace orrery::statistics
