#include "figure_parts.hpp"

#include "axis_range.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/mean.hpp"
#include "orrery/core/number_text.hpp"
#include "recipe.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

namespace orrery::report {
namespace {

using core::concat;

/// "10⁻³".
std::string power_of_ten(int exponent) {
  constexpr std::array digits = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = "10";
  if (exponent < 0) text += "⁻";
  for (const char digit : std::to_string(std::abs(exponent)))
    text += digits[static_cast<std::size_t>(digit - '0')];
  return text;
}

/// Powers of ten on the axis, every so many-th where there are more than `most`; where they are fewer than
/// three, 2 and 5 times these, too.
std::vector<std::pair<double, std::string>> decades(const Axis& axis, int most) {
  const int first = static_cast<int>(std::floor(std::log10(axis.low)));
  const int last = static_cast<int>(std::floor(std::log10(axis.high)));
  const int step = std::max(1, (last - first + most) / most);
  std::vector<std::pair<double, std::string>> ticks;
  for (int exponent = first; exponent <= last; exponent += step) {
    for (const int times : {1, 2, 5}) {
      // The number nearest to the decimal one, which has few digits.
      const double place = std::strtod(concat(times, "e", exponent).c_str(), nullptr);
      if (place < axis.low || place > axis.high || (times > 1 && last - first > 2)) continue;
      const bool is_short = exponent > -3 && exponent < 4;
      ticks.emplace_back(place, is_short     ? concat(" ", core::number_text(place))
                                : times == 1 ? power_of_ten(exponent)
                                             : concat(times, "·", power_of_ten(exponent)));
    }
  }
  return ticks;
}

/// The multiples of the least step of 1, 2 or 5 times a power of ten that are no more than `most`.
std::vector<std::pair<double, std::string>> multiples(const Axis& axis, int most) {
  const double exponent = std::floor(std::log10((axis.high - axis.low) / most));
  // Divided by 1000, not multiplied by 0.001: the number nearest to the decimal one, which has few digits.
  const double up = std::pow(10.0, std::max(exponent, 0.0)), down = std::pow(10.0, std::max(-exponent, 0.0));
  for (const double factor : {1.0, 2.0, 5.0, 10.0, 20.0}) {
    const double step = factor * up / down;
    const double first = std::ceil(axis.low / step), last = std::floor(axis.high / step);
    if (last - first + 1 > most) continue;
    std::vector<std::pair<double, std::string>> ticks;
    for (double i = first; i <= last; i += 1) {
      const double place = i * factor * up / down;
      // A minus sign or a space, as gnuplot has them: it keeps labels away by the number of characters.
      ticks.emplace_back(place, concat(place < 0 ? "−" : " ", core::number_text(std::abs(place))));
    }
    return ticks;
  }
  return {};
}

}  // namespace

std::vector<double> finite_of(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  return values;
}

std::string from_to(const std::vector<double>& values) {
  if (values.empty()) return "nowhere";
  return concat("from ", short_number(values.front()), " to ", short_number(values.back()));
}

double mean_of(const std::vector<double>& values) {
  return core::Mean(finite_of(values)).value();
}

std::string mean_text(const std::vector<double>& values) {
  return short_number(mean_of(values));
}

std::string of_first(const FigureInput& input) {
  return input.overlays() ? concat(" Of ", input.trace().label(), " alone.") : "";
}

Curve guide(std::string label, std::vector<double> x, std::vector<double> y) {
  return {.label = std::move(label),
          .x = std::move(x),
          .y = std::move(y),
          .hue = Hue::grey,
          .stroke = Stroke::dotted};
}

Curve level(std::string label, const Axis& along, double height) {
  return guide(std::move(label), {along.low, along.high}, {height, height});
}

Histogram shares(const std::vector<double>& values, double low, double high, int bins) {
  Histogram histogram{.label = {},
                      .first = low,
                      .width = (high - low) / bins,
                      .height = std::vector<double>(static_cast<std::size_t>(bins))};
  double count = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    const double place = (value - low) / histogram.width;  // NaN where nothing is wide
    const double bin = place >= 0 ? std::min(place, bins - 1.0) : 0;
    histogram.height[static_cast<std::size_t>(bin)] += 1;
    count += 1;
  }
  for (double& height : histogram.height) height /= std::max(1.0, count);
  return histogram;
}

bool spans_scales(const std::vector<double>& values) {
  constexpr double wide = 20;
  double low = core::infinity, high = 0;
  for (const double value : values) {
    if (!std::isfinite(value) || value <= 0) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  return high > wide * low;
}

Axis with_few_ticks(Axis axis, int most) {
  axis = widened(std::move(axis));
  auto ticks = axis.is_logarithmic ? decades(axis, most) : multiples(axis, most);
  if (ticks.size() >= 2) axis.ticks = std::move(ticks);
  return axis;
}

}  // namespace orrery::report
