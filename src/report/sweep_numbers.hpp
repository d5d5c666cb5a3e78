#pragma once

#include "figure.hpp"
#include "figure_input.hpp"
#include "orrery/core/mean.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace orrery::report {

// What the figures of a sweep have in common.

/// The mean of the numbers that are added; infinite ones are skipped as NaN is.
class FiniteMean {
 public:
  void add(double value);
  double value() const { return mean_.value(); }  ///< NaN of none

 private:
  core::Mean mean_;
};

/// The start layers of a sweep, M.
std::vector<std::int64_t> start_layers(const Run& sweep);

/// At most `most` of the places 0 … count − 1, evenly spread, the first and the last among them.
std::vector<std::int64_t> spread_places(std::int64_t count, std::int64_t most);

/// Start layers that a figure shows one by one.
inline constexpr std::int64_t most_start_layers = 6;

/// The places of those shown, and what a caption says where they are not all.
std::vector<std::int64_t> shown_start_layers(const Run& sweep);
std::string which_start_layers(const Run& sweep);

/// Where the name stands among these; nothing where it doesn't.
std::optional<std::int64_t> place_of(const std::vector<std::string>& names, const std::string& name);

/// "start layer" with a tick at each of the layers, or at some where they are many.
Axis start_layer_axis(const std::vector<std::int64_t>& layers);

/// An axis over all values: logarithmic where the positive ones span more than a factor of 30 and there is no
/// other.
Axis fitting_axis(const std::string& label, const std::vector<std::vector<double>>& values);

/// The same for the colours of magnitudes, where zeros are left white: logarithmic where the positive values
/// span more than a factor of 30, over at most `most_decades` below the greatest.
Axis colour_axis(const std::string& label, const std::vector<std::vector<double>>& values,
                 double most_decades = 6);

/// What an axis can't show as NaN: on a logarithmic one all that is not positive, on any what is infinite.
std::vector<double> shown_on(const Axis& axis, std::vector<double> values);

/// Adds a layer that has something to show: gnuplot takes one without a number for an error.
void add_drawable(Panel& panel, const Layer& layer);

/// The map, or dots where it has but one row or column: gnuplot's images have two at least.
Layer map_or_dots(const HeatMap& map);

}  // namespace orrery::report
