#pragma once

#include <cmath>
#include <limits>
#include <span>

namespace orrery::core {

/// The mean of numbers, summed in the order in which they are added; those that are NaN are skipped.
class Mean {
 public:
  Mean() = default;
  explicit Mean(std::span<const double> numbers) {
    for (const double number : numbers) add(number);
  }

  void add(double number) {
    if (std::isnan(number)) return;
    sum_ += number;
    magnitudes_ += std::abs(number);
    count_ += 1;
  }

  double count() const { return count_; }
  /// NaN of none.
  double value() const { return count_ > 0 ? sum_ / count_ : std::numeric_limits<double>::quiet_NaN(); }
  /// The mean of their absolute values, from which the rounding of `value` can be bounded; 0 of none.
  double magnitude() const { return count_ > 0 ? magnitudes_ / count_ : 0; }

 private:
  double sum_ = 0;
  double magnitudes_ = 0;
  double count_ = 0;
};

}  // namespace orrery::core
