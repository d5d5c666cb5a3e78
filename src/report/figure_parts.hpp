#pragma once

#include "figure.hpp"
#include "figure_input.hpp"

#include <numbers>
#include <string>
#include <vector>

namespace orrery::report {

// Small things that figures are put together of.

/// Degrees in a radian.
constexpr double degrees = 180 / std::numbers::pi;

/// Those that are neither NaN nor infinite.
std::vector<double> finite_of(std::vector<double> values);

/// "from 1.5 to 20": the first and the last.
std::string from_to(const std::vector<double>& values);

/// The mean of those that are finite; NaN of none. `mean_text` as captions have it.
double mean_of(const std::vector<double>& values);
std::string mean_text(const std::vector<double>& values);

/// For captions of what can't be overlaid: " Of MODEL alone.", the first of several; nothing where there is
/// one.
std::string of_first(const FigureInput& input);

/// A grey dotted line.
Curve guide(std::string label, std::vector<double> x, std::vector<double> y);

/// One across the panel at this height.
Curve level(std::string label, const Axis& along, double height);

/// Shares of the finite values in so many bins of `low` … `high`; what lies beyond falls into the first or
/// the last.
Histogram shares(const std::vector<double>& values, double low, double high, int bins);

/// Whether the greatest is more than 20 times the least positive one: a linear axis would hide the small
/// ones.
bool spans_scales(const std::vector<double>& values);

/// The axis with named ticks: of a linear one at multiples of 1, 2 or 5 times a power of ten, no more than
/// `most`, which is 5 or more; of a logarithmic one at powers of ten ("10⁵"), and where it spans fewer than
/// three at 2 and 5 times these, too. As it is where that gives fewer than two.
Axis with_few_ticks(Axis axis, int most = 6);

}  // namespace orrery::report
