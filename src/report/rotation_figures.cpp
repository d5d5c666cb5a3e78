#include "figure_parts.hpp"
#include "figure_sets.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/statistics/rotation_nulls.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace orrery::report {
namespace {

using core::concat;

/// A unit that is shown, and what it is an example of.
struct Shown {
  std::size_t unit;
  const char* rank;
};

/// The three units with the most turns |R|, the three about the median and the three with the fewest; all
/// where there are no more than nine. NaN is left out; of units that turn equally the first comes first.
std::vector<Shown> shown_units(const std::vector<double>& turns) {
  std::vector<std::size_t> order(turns.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t unit) { return !std::isfinite(turns[unit]); });
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t unit) { return std::abs(turns[unit]); });
  std::vector<Shown> shown;
  if (order.size() <= 9) {
    for (const std::size_t unit : order) shown.push_back({unit, ""});
    return shown;
  }
  const auto add = [&](std::size_t first, const char* rank) {
    for (std::size_t place = first; place < first + 3; ++place) shown.push_back({order[place], rank});
  };
  add(0, "most: ");
  add(order.size() / 2 - 1, "median: ");
  add(order.size() - 3, "fewest: ");
  return shown;
}

/// Central differences inside, one-sided at both ends, as numpy.gradient has it. Of two values or more.
std::vector<double> gradient_of(const std::vector<double>& values) {
  const std::size_t last = values.size() - 1;
  std::vector<double> gradient(values.size());
  gradient.front() = values[1] - values[0];
  gradient.back() = values[last] - values[last - 1];
  for (std::size_t s = 1; s < last; ++s) gradient[s] = (values[s + 1] - values[s - 1]) / 2;
  return gradient;
}

/// An axis with about four numbers, as many as stand side by side under a small panel.
Axis small_axis(std::string label, const std::vector<double>& values) {
  Axis axis = axis_over(std::move(label), {values});
  const double least = (axis.high - axis.low) / 4.5, power = std::pow(10, std::floor(std::log10(least)));
  const double step = power * (least <= power ? 1 : least <= 2 * power ? 2 : least <= 5 * power ? 5 : 10);
  for (double place = std::ceil(axis.low / step); place * step <= axis.high; ++place) {
    const double value = place * step;
    axis.ticks.emplace_back(value, concat(value < 0 ? "−" : "", std::abs(value)));
  }
  return axis;
}

Figure portraits(const FigureInput& input) {
  const Run& run = input.trace();
  const Array mean = run.array("/trajectory/mean", 2);
  const std::vector<double> turns = run.reals("/rotation/turns");
  const std::int64_t points = run.points() - 1;
  Figure figure{
      .caption =
          "The mean trajectory of single units: activation (mean over samples) against its gradient over "
          "capture points, from the first point to the last but one, coloured by depth. Rows from above: the "
          "three units that turn most, the three about the median, the three that turn least; each with its "
          "number and its turns R, whole turns of the step's direction, negative where they are clockwise.",
      .seen = "",
      .panels = {},
      .colour = ColourBar{{.label = "layer l", .low = 0, .high = static_cast<double>(run.layers())},
                          Palette::sequential},
      .columns = 3,
      .width = 176,
      .height = 48};
  for (const auto& [unit, rank] : shown_units(turns)) {
    Cloud path{.label = "", .x = {}, .y = {}, .value = {}, .line = true};
    for (std::int64_t s = 0; s < points; ++s) {
      path.x.push_back(mean.at({s, static_cast<std::int64_t>(unit)}));
      path.value.push_back(run.depth(static_cast<double>(s)));
    }
    path.y = gradient_of(path.x);
    const std::string title = concat("unit ", unit, ", ", short_number(turns[unit]), " turns");
    figure.seen += concat(figure.seen.empty() ? "Units and their turns: " : "; ", rank, title);
    figure.panels.push_back({.title = title,
                             .x = small_axis("activation", path.x),
                             .y = axis_over("gradient per point", {path.y}),
                             .layers = {path}});
  }
  figure.seen += figure.panels.empty() ? "No unit has turns that are a number." : ".";
  if (figure.panels.empty()) {
    figure.panels.push_back(
        {.title = "no unit turns", .x = {.label = "activation"}, .y = {.label = "gradient"}, .layers = {}});
  }
  return figure;
}

constexpr const auto& nulls = statistics::rotation_null_names;
constexpr std::array<Hue, nulls.size()> null_hues = {Hue::orange, Hue::green, Hue::vermilion, Hue::purple};

std::vector<double> magnitudes_of(std::vector<double> values) {
  for (double& value : values) value = std::abs(value);
  return values;
}

/// Shares of the values in 40 bins from 0 up to `most`.
Histogram shares_of(const std::vector<double>& values, double most, std::string label, Hue hue) {
  Histogram histogram = shares(values, 0, most, 40);
  histogram.label = std::move(label);
  histogram.hue = hue;
  return histogram;
}

/// The same without the empty bins before and behind the others, which would be a line along the axis.
Histogram trimmed(Histogram histogram) {
  std::vector<double>& height = histogram.height;
  const auto is_there = [](double one) { return one > 0; };
  const auto begin = std::ranges::find_if(height, is_there);
  if (begin == height.end()) return histogram;
  histogram.first += histogram.width * static_cast<double>(begin - height.begin());
  height.erase(std::find_if(height.rbegin(), height.rend(), is_there).base(), height.end());
  height.erase(height.begin(), begin);
  return histogram;
}

Panel histogram_of_turns(const Run& run, const std::vector<double>& turns) {
  std::vector<std::vector<double>> means;
  double most = 1;
  for (const statistics::RotationNullName& null : nulls) {
    const std::string dataset = concat("/rotation/null", null.suffix, "_abs_mean");
    means.push_back(run.has(dataset) ? run.reals(dataset) : std::vector<double>{});
  }
  for (const double value : turns) {
    if (std::isfinite(value)) most = std::max(most, value);
  }
  for (const std::vector<double>& some : means) {
    for (const double value : some) {
      if (std::isfinite(value)) most = std::max(most, value);
    }
  }
  most = std::ceil(most);
  Histogram observed = shares_of(turns, most, "|R| of units", Hue::blue);
  observed.filled = true;
  Panel panel{.title = "Turns of the mean trajectory",
              .x = {.label = "turns |R|", .low = 0, .high = most},
              .y = {},
              .layers = {observed},
              .legend = Legend::above};
  std::vector<std::vector<double>> heights = {observed.height};
  for (std::size_t i = 0; i < nulls.size(); ++i) {
    if (means[i].empty()) continue;
    Histogram outline = shares_of(means[i], most, nulls[i].words, null_hues[i]);
    outline.stroke = Stroke::solid;
    heights.push_back(outline.height);
    panel.layers.emplace_back(trimmed(std::move(outline)));
  }
  panel.y = axis_over("share of units a bin", heights);
  panel.y.low = 0;
  return panel;
}

/// The share of what is a number that is below 0.05; NaN of nothing.
double share_below_level(const std::vector<double>& values) {
  std::vector<double> is_below;
  for (const double value : values)
    is_below.push_back(std::isnan(value) ? value : static_cast<double>(value < 0.05));
  return mean_of(is_below);
}

Panel tails_of_turns(const Run& run, std::string& seen) {
  Panel panel{.title = "Units that turn more or less than a null",
              .x = {.label = "null", .low = 0.5, .high = 0.5},
              .y = {},
              .layers = {},
              .legend = Legend::above};
  Curve more{.label = "more turns, p < 0.05",
             .x = {},
             .y = {},
             .hue = Hue::vermilion,
             .stroke = {},
             .dot_size = 0.5};
  Curve fewer{
      .label = "fewer turns, p < 0.05", .x = {}, .y = {}, .hue = Hue::blue, .stroke = {}, .dot_size = 0.5};
  // Beside each other, where they would hide each other.
  constexpr double aside = 0.1;
  for (std::size_t i = 0; i < nulls.size(); ++i) {
    const std::string p_more = concat("/rotation/p_more", nulls[i].suffix);
    const std::string p_fewer = concat("/rotation/p_fewer", nulls[i].suffix);
    if (!run.has(p_more) || !run.has(p_fewer)) continue;
    const double place = panel.x.high + 0.5;
    panel.x.high += 1;
    panel.x.ticks.emplace_back(place, nulls[i].drawn);
    more.x.push_back(place - aside);
    fewer.x.push_back(place + aside);
    more.y.push_back(share_below_level(run.reals(p_more)));
    fewer.y.push_back(share_below_level(run.reals(p_fewer)));
    seen += concat(seen.empty() ? "" : "; ", nulls[i].words, ": ", short_number(more.y.back()), " more, ",
                   short_number(fewer.y.back()), " fewer");
  }
  panel.y = axis_over("share of units", {more.y, fewer.y, {0, 0.1}});
  panel.layers = {more, fewer,
                  Curve{.label = "chance alone",
                        .x = {panel.x.low, panel.x.high},
                        .y = {0.05, 0.05},
                        .hue = Hue::grey,
                        .stroke = Stroke::dashed}};
  return panel;
}

Figure turns(const FigureInput& input) {
  const Run& run = input.trace();
  const std::vector<double> magnitudes = magnitudes_of(run.reals("/rotation/turns"));
  std::string tails;
  const Panel histogram = histogram_of_turns(run, magnitudes);
  const Panel shares = tails_of_turns(run, tails);
  return {
      .caption =
          "Left: how many turns |R| the mean trajectory of each unit makes (filled), and each unit's mean of "
          "|R₀| over the draws of four nulls (outlines): its points in random order, its layers in random "
          "order, its steps in random order, its steps with random signs. A mean over draws spreads less "
          "than the draws do: compare where the outlines stand, not their widths. Right: the share of units "
          "that turn more, or fewer times, than 95 % of the draws of each null; 0.05 (dashed) is what chance "
          "alone gives in each tail.",
      .seen = concat("On average a unit turns ", short_number(mean_of(magnitudes)),
                     " times. Shares of units with p < 0.05: ", tails, "."),
      .panels = {histogram, shares},
      .columns = 2,
      .width = 176};
}

Figure local_turns(const FigureInput& input) {
  const std::string dataset = "/rotation/local_turns";
  // The first run holds the turning angles at points 1 to 8.
  const Panel panel = depth_panel(input, "Local turns", "turns over 8 points",
                                  {{.label = "", .dataset = dataset, .hue = Hue::blue, .first = 4.5}});
  const std::vector<double> local = input.trace().reals(dataset);
  const auto [least, most] = std::ranges::minmax(local);
  return {.caption =
              "Turns of the phase portraits along the way: the sum of 8 successive turning angles, mean over "
              "units, where the middle of the 8 stands. Negative: clockwise. A portrait that turned at one "
              "rate throughout would give a level line.",
          .seen = concat("It lies between ", short_number(least), " and ", short_number(most), ", ",
                         short_number(local.front()), " first and ", short_number(local.back()), " last."),
          .panels = {panel}};
}

}  // namespace

std::vector<Recipe> rotation_figures() {
  return {{"portraits", "Phase portraits", Source::trace, {"/trajectory/mean", "/rotation/turns"}, portraits},
          {"turns",
           "Turns against four nulls",
           Source::trace,
           {"/rotation/turns", "/rotation/null_abs_mean", "/rotation/p_more", "/rotation/p_fewer"},
           turns},
          {"local_turns", "Turns over depth", Source::trace, {"/rotation/local_turns"}, local_turns}};
}

}  // namespace orrery::report
