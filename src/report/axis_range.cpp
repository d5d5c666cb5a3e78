#include "axis_range.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::report {
namespace {

/// What of their magnitude two numbers must differ by to differ: sums of double precision are off by less,
/// and the labels of ticks closer by would be the same.
constexpr double least_share = 1e-9;
/// No range goes beyond: differences and squares of its ends stay numbers, here and in gnuplot.
constexpr double farthest = 1e150;

}  // namespace

bool is_range(const Axis& axis) {
  if (!(std::abs(axis.low) <= farthest && std::abs(axis.high) <= farthest)) return false;
  if (axis.is_logarithmic && !(axis.low > 0)) return false;
  return axis.high - axis.low > least_share * std::max(std::abs(axis.low), std::abs(axis.high));
}

Axis widened(Axis axis) {
  if (is_range(axis)) return axis;
  const auto within = [](double end, double otherwise) {
    return std::isnan(end) ? otherwise : std::clamp(end, -farthest, farthest);
  };
  axis.low = within(axis.low, 0);
  axis.high = within(axis.high, 1);
  if (is_range(axis)) return axis;
  if (axis.is_logarithmic) {
    axis.high = axis.high > 0 ? std::min(axis.high * 1.2, farthest) : 1;
    axis.low = axis.low > 0 && axis.low <= axis.high ? axis.low / 1.2 : axis.high / 10;
  } else {
    const double room = std::max(0.5, 0.04 * std::max(std::abs(axis.low), std::abs(axis.high)));
    const double middle = std::clamp(axis.low / 2 + axis.high / 2, room - farthest, farthest - room);
    axis.low = middle - room;
    axis.high = middle + room;
  }
  return axis;
}

}  // namespace orrery::report
