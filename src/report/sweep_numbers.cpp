#include "sweep_numbers.hpp"

#include "figure_parts.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/not_a_number.hpp"
#include "recipe.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>

namespace orrery::report {
namespace {

using core::concat;

/// A span beyond which an axis is logarithmic.
constexpr double wide_span = 30;
constexpr std::int64_t most_ticks = 8;

bool any_number(const std::vector<double>& values) {
  return std::ranges::any_of(values, [](double value) { return std::isfinite(value); });
}

/// Whether a layer has anything that can be seen.
struct Drawable {
  bool operator()(const Curve& c) const { return any_number(c.y); }
  bool operator()(const Band& b) const { return b.x.size() > 1 && any_number(b.low); }
  bool operator()(const Histogram& h) const { return any_number(h.height); }
  bool operator()(const Cloud& c) const { return any_number(c.value); }
  bool operator()(const Path& p) const { return any_number(p.z); }
  bool operator()(const HeatMap& map) const { return any_number(map.value); }
  bool operator()(const Arrows& a) const { return any_number(a.dx); }
};

/// The least and the greatest positive number; the first is above the second where there is none.
std::pair<double, double> positive_range(const std::vector<std::vector<double>>& values) {
  std::pair<double, double> range{core::infinity, 0};
  for (const std::vector<double>& some : values) {
    for (const double value : some) {
      if (!std::isfinite(value) || value <= 0) continue;
      range = {std::min(range.first, value), std::max(range.second, value)};
    }
  }
  return range;
}

}  // namespace

void FiniteMean::add(double value) {
  if (std::isfinite(value)) mean_.add(value);
}

std::vector<std::int64_t> start_layers(const Run& sweep) {
  return sweep.file().read_integers("/start_layer");
}

std::vector<std::int64_t> spread_places(std::int64_t count, std::int64_t most) {
  std::vector<std::int64_t> places;
  const std::int64_t shown = std::min(count, most);
  for (std::int64_t i = 0; i < shown; ++i)
    places.push_back(shown == 1 ? 0 : (i * (count - 1) + (shown - 1) / 2) / (shown - 1));
  return places;
}

std::vector<std::int64_t> shown_start_layers(const Run& sweep) {
  return spread_places(std::ssize(start_layers(sweep)), most_start_layers);
}

std::string which_start_layers(const Run& sweep) {
  const std::int64_t count = std::ssize(start_layers(sweep));
  if (count <= most_start_layers) return "";
  return concat(" ", most_start_layers, " of ", count, " start layers are shown, evenly spread.");
}

std::optional<std::int64_t> place_of(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return found - names.begin();
}

Axis start_layer_axis(const std::vector<std::int64_t>& layers) {
  std::vector<double> all(layers.begin(), layers.end());
  Axis axis = axis_over("start layer", {all});
  for (const std::int64_t place : spread_places(std::ssize(layers), most_ticks)) {
    const std::int64_t layer = layers[static_cast<std::size_t>(place)];
    const auto at = static_cast<double>(layer);
    // Two so near that their labels would touch have one.
    if (!axis.ticks.empty() && std::abs(at - axis.ticks.back().first) < 0.07 * (axis.high - axis.low))
      continue;
    axis.ticks.emplace_back(at, concat(layer));
  }
  return axis;
}

Axis fitting_axis(const std::string& label, const std::vector<std::vector<double>>& values) {
  const auto [least, greatest] = positive_range(values);
  const bool all_positive = std::ranges::none_of(values, [](const std::vector<double>& some) {
    return std::ranges::any_of(some, [](double value) { return value <= 0; });
  });
  return axis_over(label, values, all_positive && greatest > wide_span * least);
}

Axis colour_axis(const std::string& label, const std::vector<std::vector<double>>& values,
                 double most_decades) {
  const auto [least, greatest] = positive_range(values);
  if (greatest > wide_span * least) {
    const double low = std::max(least, greatest / std::pow(10, most_decades));
    return with_few_ticks({.label = label, .low = low, .high = greatest, .is_logarithmic = true});
  }
  Axis axis = axis_over(label, values);
  // Colours need no room at their ends, and a magnitude's begin at zero where they come near.
  if (greatest >= least) axis = {.label = label, .low = least < greatest / 2 ? 0 : least, .high = greatest};
  if (axis.low == axis.high) axis.low = 0;
  return axis;
}

std::vector<double> shown_on(const Axis& axis, std::vector<double> values) {
  for (double& value : values) {
    if (!std::isfinite(value) || (axis.is_logarithmic && value <= 0)) value = std::nan("");
  }
  return values;
}

void add_drawable(Panel& panel, const Layer& layer) {
  if (std::visit(Drawable(), layer)) panel.layers.push_back(layer);
}

Layer map_or_dots(const HeatMap& map) {
  if (map.x.size() > 1 && map.y.size() > 1) return map;
  Cloud dots{.label = "", .x = {}, .y = {}, .value = map.value, .size = 1.5};
  for (const double y : map.y) {
    for (const double x : map.x) {
      dots.x.push_back(x);
      dots.y.push_back(y);
    }
  }
  return dots;
}

}  // namespace orrery::report
