#pragma once

#include "orrery/statistics/shards.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace orrery::statistics {

/// Points 0 … S − 1 of P capture points: those that turn (science.md: point 2L stays out).
constexpr std::int64_t turning_points(std::int64_t points) {
  return points - 1;
}

/// Counts the turns of one trajectory after another: scratch, so that millions of draws allocate nothing.
class TurnCounter {
 public:
  /// For trajectories of `points` points.
  explicit TurnCounter(std::int64_t points);

  /// The turns R of a trajectory.
  double of_points(std::span<const double> a);
  /// The same from its differences a[i+1] − a[i].
  double of_steps(std::span<const double> differences);
  /// Writes the turning angles of a trajectory, to `angle` (S − 2).
  void angles(std::span<const double> a, std::span<double> angle);

 private:
  void take_points(std::span<const double> a);
  void make_portrait();
  double count() const;

  std::int64_t steps_;
  std::vector<double> difference_;  // (S + 1), the first and the last twice
  // The portrait's steps (S − 1), both coordinates doubled; (1, 0) in place of a step of length 0.
  std::vector<double> x_;
  std::vector<double> y_;
};

/// The mean of some values and their standard deviation with divisor n − 1; NaN at n < 1 and n < 2.
struct Spread {
  explicit Spread(std::span<const double> values);
  double mean;
  double standard_deviation;
};

/// The turns of each sample of one unit's x (P, N).
template <class T>
std::vector<double> sample_turns_of(const T* x, const Extent& extent) {
  TurnCounter counter(turning_points(extent.points));
  std::vector<double> trajectory(turning_points(extent.points));
  std::vector<double> turns(extent.samples);
  for (std::int64_t sample = 0; sample < extent.samples; ++sample) {
    for (std::size_t point = 0; point < trajectory.size(); ++point) {
      trajectory[point] = static_cast<double>(x[static_cast<std::int64_t>(point) * extent.samples + sample]);
    }
    turns[sample] = counter.of_points(trajectory);
  }
  return turns;
}

}  // namespace orrery::statistics
