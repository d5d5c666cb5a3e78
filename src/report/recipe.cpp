#include "recipe.hpp"

#include "axis_range.hpp"
#include "figure_sets.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/not_a_number.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>

namespace orrery::report {

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> all = [] {
    std::vector<Recipe> made;
    for (const auto& some : {continuity_figures(), rotation_figures(), dimension_figures(), path_figures(),
                             perturbation_figures(), noise_figures(), ablation_figures(), flow_figures()})
      made.insert(made.end(), some.begin(), some.end());
    return made;
  }();
  return all;
}

Figure make_figure(const Recipe& recipe, const FigureInput& input) {
  Figure figure = recipe.make(input);
  figure.name = recipe.name;
  figure.title = recipe.title;
  return figure;
}

Axis axis_over(std::string label, const std::vector<std::vector<double>>& values, bool is_logarithmic) {
  double low = core::infinity, high = -low;
  for (const std::vector<double>& some : values) {
    for (const double value : some) {
      if (!std::isfinite(value) || (is_logarithmic && value <= 0)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (low > high)
    return {.label = std::move(label),
            .low = is_logarithmic ? 0.1 : 0,
            .high = 1,
            .is_logarithmic = is_logarithmic};
  if (is_logarithmic)
    return {.label = std::move(label), .low = low / 1.2, .high = high * 1.2, .is_logarithmic = true};
  Axis axis{.label = std::move(label), .low = low, .high = high};
  if (!is_range(axis)) return widened(axis);
  const double room = 0.04 * (high - low);
  axis.low -= room;
  axis.high += room;
  return axis;
}

Axis symmetric_axis(std::string label, const std::vector<double>& values) {
  double most = 0;
  for (const double value : values) {
    if (std::isfinite(value)) most = std::max(most, std::abs(value));
  }
  if (most == 0) most = 1;
  return {.label = std::move(label), .low = -most, .high = most};
}

Hue hue_of(std::size_t place) {
  constexpr std::array<Hue, 8> hues = {Hue::blue,  Hue::vermilion, Hue::green, Hue::purple,
                                       Hue::black, Hue::orange,    Hue::sky,   Hue::grey};
  return hues[place % hues.size()];
}

std::string short_number(double value) {
  if (std::isnan(value)) return "not defined";
  const std::string text = core::concat(std::setprecision(3), std::abs(value));
  return value < 0 ? "−" + text : text;
}

}  // namespace orrery::report
