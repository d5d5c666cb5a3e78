#include "turn_nulls.hpp"

#include "orrery/core/narrow.hpp"
#include "orrery/core/random.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace orrery::statistics {
namespace {

core::Purpose purpose_of(RotationNull null) {
  switch (null) {
    case RotationNull::points:
      return core::Purpose::null_points;
    case RotationNull::layers:
      return core::Purpose::null_layers;
    case RotationNull::steps:
      return core::Purpose::null_steps;
    case RotationNull::signs:
      break;
  }
  return core::Purpose::null_signs;
}

/// Turns each value where the bit of its place is 1: place i has bit i mod 32 of word i div 32.
void draw_signs(core::Random& random, std::span<double> values) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 32 == 0) word = random.bits();
    values[i] *= 1.0 - 2.0 * (word >> i % 32 & 1);  // a branch would be guessed wrong half the time
  }
}

}  // namespace

TurnNulls::TurnNulls(const core::PointMap& points, const RotationOptions& options)
    : points_(points),
      options_(options),
      counter_(turning_points(points.size())),
      a_(turning_points(points.size())),
      difference_(a_.empty() ? 0 : a_.size() - 1),
      layer_(points.layers()),
      turns_(options.permutations) {}

void TurnNulls::assign(std::int64_t unit, std::span<const double> a) {
  unit_ = core::narrow<std::uint32_t>(unit);
  a_.assign(a.begin(), a.end());
  for (std::size_t i = 0; i < difference_.size(); ++i) difference_[i] = a[i + 1] - a[i];
}

double TurnNulls::turns() {
  return counter_.of_points(a_);
}

double TurnNulls::draw(RotationNull null, std::int64_t index) {
  core::Random random(options_.seed, purpose_of(null), unit_, core::narrow<std::uint32_t>(index));
  switch (null) {
    case RotationNull::points:
      drawn_ = a_;
      random.shuffle(std::span(drawn_));
      return counter_.of_points(drawn_);
    case RotationNull::layers:
      std::iota(layer_.begin(), layer_.end(), 0);
      random.shuffle(std::span(layer_));
      drawn_.clear();
      for (const std::int64_t layer : layer_) {
        const auto end = a_.begin() + points_.first_of(core::Layer(layer + 1)).value();
        drawn_.insert(drawn_.end(), a_.begin() + points_.first_of(core::Layer(layer)).value(), end);
      }
      return counter_.of_points(drawn_);
    case RotationNull::steps:
      drawn_ = difference_;
      random.shuffle(std::span(drawn_));
      return counter_.of_steps(drawn_);
    case RotationNull::signs:
      break;
  }
  drawn_ = difference_;
  draw_signs(random, drawn_);
  return counter_.of_steps(drawn_);
}

TurnNulls::Numbers TurnNulls::numbers(RotationNull null, double turns) {
  const double size = std::abs(turns);
  const double draws = static_cast<double>(turns_.size());
  double more = 0;
  double fewer = 0;
  double abs_sum = 0;
  for (std::size_t index = 0; index < turns_.size(); ++index) {
    turns_[index] = draw(null, static_cast<std::int64_t>(index));
    const double drawn = std::abs(turns_[index]);
    abs_sum += drawn;
    if (drawn >= size - equal_turns) more += 1;
    if (drawn <= size + equal_turns) fewer += 1;
  }
  const Spread spread(turns_);
  return {spread.mean, spread.standard_deviation, abs_sum / draws, (1 + more) / (1 + draws),
          (1 + fewer) / (1 + draws)};
}

}  // namespace orrery::statistics
