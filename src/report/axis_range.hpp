#pragma once

#include "figure.hpp"

namespace orrery::report {

/// Whether an axis has a range that can be drawn: finite, with its lower end below its upper one by more than
/// rounding makes of equal numbers, and positive where it is logarithmic.
bool is_range(const Axis& axis);

/// The axis itself where it has a range, or else one about the same numbers that can be drawn. Every axis
/// goes through here on its way to gnuplot, whose ticks a range of rounding errors leaves no room for.
Axis widened(Axis axis);

}  // namespace orrery::report
