#include "turn_counter.hpp"

#include "orrery/core/not_a_number.hpp"
#include "row_access.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace orrery::statistics {

using core::not_a_number;

TurnCounter::TurnCounter(std::int64_t points)
    : steps_(std::max<std::int64_t>(points - 1, 0)), difference_(steps_ + 2), x_(steps_), y_(steps_) {}

void TurnCounter::take_points(std::span<const double> a) {
  for (std::int64_t i = 0; i < steps_; ++i) difference_[i + 1] = a[i + 1] - a[i];
  make_portrait();
}

double TurnCounter::of_points(std::span<const double> a) {
  take_points(a);
  return count();
}

double TurnCounter::of_steps(std::span<const double> differences) {
  std::copy_n(differences.begin(), steps_, difference_.begin() + 1);
  make_portrait();
  return count();
}

// With the ends' differences repeated, g[i] = (difference[i−1] + difference[i])/2 at the ends too, and the
// portrait's step is (difference[i], (difference[i+1] − difference[i−1])/2).
void TurnCounter::make_portrait() {
  if (steps_ < 1) return;
  difference_[0] = difference_[1];
  difference_[steps_ + 1] = difference_[steps_];
  const double* d = difference_.data();
  double* x = x_.data();
  double* y = y_.data();
  for (std::int64_t i = 0; i < steps_; ++i) {
    const double along = 2 * d[i + 1];
    const double up = d[i + 2] - d[i];
    x[i] = ((along == 0) & (up == 0)) ? 1.0 : along;
    y[i] = up;
  }
}

// The branch cut parts the directions into θ ∈ (−π, 0] and (0, π]. Within a part, Δθ needs no wrapping; from
// the upper to the lower, 2π is added where the turn is to the left, through π; from the lower to the upper,
// taken away where it isn't, through −π or just to the opposite. Numbers in place of branches: in a shuffled
// trajectory these are as good as random, and the compiler makes vectors of this. Products are compared, not
// subtracted, so that a fused multiply-add can't make a turn of an exact reversal.
double TurnCounter::count() const {
  if (steps_ < 2) return 0;
  const double* x = x_.data();
  const double* y = y_.data();
  double passes = 0;
  for (std::int64_t i = 0; i + 1 < steps_; ++i) {
    const double upper = y[i] > 0 ? 1.0 : (y[i] == 0 ? (x[i] < 0 ? 1.0 : 0.0) : 0.0);
    const double upper_next = y[i + 1] > 0 ? 1.0 : (y[i + 1] == 0 ? (x[i + 1] < 0 ? 1.0 : 0.0) : 0.0);
    const double left = x[i] * y[i + 1] > x[i + 1] * y[i] ? 1.0 : -1.0;
    passes += upper - upper_next == left ? left : 0.0;
  }
  const double first = std::atan2(y_.front(), x_.front());
  const double last = std::atan2(y_.back(), x_.back());
  return passes + (last - first) / (2 * std::numbers::pi);
}

void TurnCounter::angles(std::span<const double> a, std::span<double> angle) {
  take_points(a);
  for (std::int64_t i = 0; i + 1 < steps_; ++i) {
    const double left = x_[i] * y_[i + 1];
    const double right = x_[i + 1] * y_[i];
    const double dot = x_[i] * x_[i + 1] + y_[i] * y_[i + 1];
    if (left == right) {
      angle[i] = dot < 0 ? -std::numbers::pi : 0.0;
    } else {  // never quite π, which a turn to the left of nearly that rounds to
      angle[i] = std::min(std::atan2(left - right, dot), std::nextafter(std::numbers::pi, 0.0));
    }
  }
}

Spread::Spread(std::span<const double> values) : mean(not_a_number), standard_deviation(not_a_number) {
  const std::int64_t count = std::ssize(values);
  if (count < 1) return;
  mean = lane_sum(count, [&](std::int64_t i) { return values[i]; }) / static_cast<double>(count);
  if (count < 2) return;
  const double squares =
      lane_sum(count, [&](std::int64_t i) { return (values[i] - mean) * (values[i] - mean); });
  standard_deviation = std::sqrt(squares / static_cast<double>(count - 1));
}

}  // namespace orrery::statistics
