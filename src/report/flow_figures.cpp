#include "figure_parts.hpp"
#include "figure_sets.hpp"
#include "orrery/core/concat.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace orrery::report {
namespace {

using core::concat;

double number_or_nan(double value) {
  return std::isfinite(value) ? value : std::nan("");
}

/// Where step `s` stands: between its two points.
double depth_of_step(const Run& run, std::int64_t s) {
  return run.depth(static_cast<double>(s) + 0.5);
}

Curve unit_circle() {
  Curve circle{.label = "", .x = {}, .y = {}, .hue = Hue::grey, .width = 0.75};
  for (int degree = 0; degree <= 360; degree += 2) {
    circle.x.push_back(std::cos(degree / degrees));
    circle.y.push_back(std::sin(degree / degrees));
  }
  return circle;
}

/// The eigenvalues of all steps.
Cloud eigenvalues_of(const Run& run) {
  const Array parts = run.array("/geometry/flow_eigenvalue", 3);
  Cloud cloud{.label = "", .x = {}, .y = {}, .value = {}, .size = 0.2};
  for (std::int64_t s = 0; s < parts.extent(0); ++s) {
    for (std::int64_t mode = 0; mode < parts.extent(1); ++mode) {
      cloud.x.push_back(number_or_nan(parts.at({s, mode, 0})));
      cloud.y.push_back(number_or_nan(parts.at({s, mode, 1})));
      cloud.value.push_back(depth_of_step(run, s));
    }
  }
  return cloud;
}

/// The lengths of the eigenvalues that are numbers, ascending.
std::vector<double> lengths_of(const Cloud& cloud) {
  std::vector<double> lengths;
  for (std::size_t i = 0; i < cloud.x.size(); ++i) {
    const double length = std::hypot(cloud.x[i], cloud.y[i]);
    if (!std::isnan(length)) lengths.push_back(length);
  }
  std::ranges::sort(lengths);
  return lengths;
}

/// The middle one of ascending values, or the mean of the middle two; NaN of nothing.
double middle_of(const std::vector<double>& ascending) {
  if (ascending.empty()) return std::nan("");
  const std::size_t half = ascending.size() / 2;
  return ascending.size() % 2 == 1 ? ascending[half] : (ascending[half - 1] + ascending[half]) / 2;
}

/// Half the side of a square in which 19 of 20 eigenvalues lie, and the unit circle.
double reach_of(const std::vector<double>& lengths) {
  if (lengths.empty()) return 1.1;
  return 1.1 * std::max(1.0, lengths[(lengths.size() - 1) * 95 / 100]);
}

/// What of the cloud lies in the square of this half side, and what is no number.
Cloud within(const Cloud& cloud, double reach) {
  Cloud inside{.label = cloud.label, .x = {}, .y = {}, .value = {}, .size = cloud.size};
  for (std::size_t i = 0; i < cloud.x.size(); ++i) {
    if (std::abs(cloud.x[i]) > reach || std::abs(cloud.y[i]) > reach) continue;
    inside.x.push_back(cloud.x[i]);
    inside.y.push_back(cloud.y[i]);
    inside.value.push_back(cloud.value[i]);
  }
  return inside;
}

/// Which run is shown where only one can be.
std::string shown_run(const FigureInput& input) {
  return input.overlays() ? concat(" Left: ", input.trace().label(), " alone.") : "";
}

Figure flow_eigenvalues(const FigureInput& input) {
  const Run& run = input.trace();
  const Cloud cloud = eigenvalues_of(run);
  const std::vector<double> lengths = lengths_of(cloud);
  const double reach = reach_of(lengths);
  const Cloud inside = within(cloud, reach);
  const auto growing = std::ranges::count_if(lengths, [](double length) { return length > 1; });
  const Panel plane{
      .title = "Eigenvalues of the flow of a step",
      .x = {.label = "real part", .low = -reach, .high = reach},
      .y = {.label = "imaginary part", .low = -reach, .high = reach},
      .layers = {unit_circle(), inside},
      .colour = ColourBar{{.label = "layer l", .low = 0, .high = static_cast<double>(run.layers())},
                          Palette::sequential}};
  const Panel share =
      depth_panel(input, "What the flow explains", "share of variance",
                  {{"linear flow", "/geometry/flow_explained", Hue::blue},
                   {"no change (persistence)", "/geometry/flow_persistence", Hue::orange, Stroke::dashed}});
  return {
      .caption = concat(
          "A linear map fitted from the scores of each capture point to those of the next (leading pooled "
          "components, centred). Left: its eigenvalues in the complex plane, coloured by depth, with the "
          "unit circle: inside it a direction shrinks, outside it grows, off the real axis it turns. The "
          "longest are left out where they would make the others small: ",
          cloud.x.size() - inside.x.size(), " of ", cloud.x.size(),
          ". Right: the share of the next point's variance that the map explains",
          input.overlays() ? "." : ", and what of it no change at all explains (the control).",
          shown_run(input)),
      .seen =
          concat(growing, " of ", lengths.size(), " eigenvalues lie outside the unit circle; the median of ",
                 "their lengths is ", short_number(middle_of(lengths)), ", the longest has ",
                 short_number(lengths.empty() ? std::nan("") : lengths.back()), "."),
      .panels = {plane, share},
      .columns = 2,
      .width = 176,
      // As high as wide inside its axes, so that a circle is round.
      .height = 69.8};
}

/// The principal angles of each step in degrees, ascending; what is no number left out.
std::vector<std::vector<double>> angles_of(const Run& run) {
  const Array all = run.array("/geometry/principal_angle", 2);
  std::vector<std::vector<double>> angles;
  for (std::int64_t s = 0; s < all.extent(0); ++s) {
    std::vector<double> row = finite_of(all.row({s}));
    for (double& angle : row) angle *= degrees;
    angles.push_back(std::move(row));
  }
  return angles;
}

/// A curve over steps: what `measure` says of the angles of each.
template <class Measure>
Curve angle_curve(const FigureInput& input, const Run& run, std::string label, Hue hue, Measure measure) {
  Curve curve{.label = std::move(label), .x = {}, .y = {}, .hue = hue};
  const double unit = input.overlays() ? static_cast<double>(run.layers()) : 1;
  for (const std::vector<double>& angles : angles_of(run)) {
    curve.x.push_back(depth_of_step(run, std::ssize(curve.x)) / unit);
    curve.y.push_back(angles.empty() ? std::nan("") : measure(angles));
  }
  return curve;
}

/// The smallest angle between two random subspaces of this many dimensions out of `width`, where both are
/// large: the squared cosines fill [0, 4c(1 − c)], c = dimensions ÷ width (Wachter 1980).
double smallest_by_chance(double dimensions, double width) {
  const double share = dimensions / width;
  return share >= 0.5 ? 0 : std::acos(std::sqrt(4 * share * (1 - share))) * degrees;
}

Panel angles_over_depth(const FigureInput& input) {
  const Run& run = input.trace();
  Panel panel{.title = "Angles to the next point's subspace",
              .x = {.label = depth_label(input),
                    .low = 0,
                    .high = input.overlays() ? 1 : static_cast<double>(run.layers())},
              .y = {.label = "angle (degrees)", .low = 0, .high = 90},
              .layers = {},
              .legend = Legend::above};
  if (input.overlays()) {
    panel.title = "Median angle to the next point's subspace";
    for (std::size_t i = 0; i < input.traces.size(); ++i) {
      if (input.traces[i].has("/geometry/principal_angle"))
        panel.layers.emplace_back(
            angle_curve(input, input.traces[i], input.traces[i].label(), hue_of(i), middle_of));
    }
    return panel;
  }
  const auto add = [&](const char* label, Hue hue, auto measure) {
    panel.layers.emplace_back(angle_curve(input, run, label, hue, measure));
  };
  using Angles = std::vector<double>;
  add("largest", Hue::vermilion, [](const Angles& angles) { return angles.back(); });
  add("median", Hue::black, middle_of);
  add("smallest", Hue::blue, [](const Angles& angles) { return angles.front(); });
  const double width = run.number("/", "hidden_size");
  Curve chance = angle_curve(input, run, "smallest by chance", Hue::blue, [&](const Angles& angles) {
    return smallest_by_chance(static_cast<double>(angles.size()), width);
  });
  chance.stroke = Stroke::dotted;
  panel.layers.emplace_back(std::move(chance));
  return panel;
}

/// Nothing where there are too few steps or angles for a map.
std::optional<Panel> map_of_angles(const FigureInput& input) {
  const Run& run = input.trace();
  const std::vector<std::vector<double>> angles = angles_of(run);
  const std::int64_t modes = run.array("/geometry/principal_angle", 2).extent(1);
  if (angles.size() < 2 || modes < 2) return std::nullopt;
  HeatMap map;
  for (std::int64_t s = 0; s < std::ssize(angles); ++s) map.x.push_back(depth_of_step(run, s));
  for (std::int64_t mode = 0; mode < modes; ++mode) {
    map.y.push_back(static_cast<double>(mode + 1));
    for (const std::vector<double>& of_step : angles) {
      map.value.push_back(mode < std::ssize(of_step) ? of_step[static_cast<std::size_t>(mode)]
                                                     : std::nan(""));
    }
  }
  return Panel{.title = "All principal angles",
               .x = {.label = "layer l", .low = 0, .high = static_cast<double>(run.layers())},
               .y = {.label = "angle, counted from the smallest",
                     .low = 0.5,
                     .high = static_cast<double>(modes) + 0.5},
               .layers = {map},
               .colour = ColourBar{{.label = "angle (degrees)", .low = 0, .high = 90}, Palette::sequential}};
}

Figure principal_angles(const FigureInput& input) {
  const char* chance =
      input.overlays() ? ""
                       : " Dotted: the smallest angle between two random subspaces as large (the limit for "
                         "many dimensions).";
  Figure figure{.caption = concat("The angles between the subspace of the leading principal components at a "
                                  "capture point and that at "
                                  "the next: 0° is a direction that both have, 90° one that the next has "
                                  "lost. A layer has two steps, "
                                  "over its attention and over its MLP.",
                                  chance, shown_run(input)),
                .seen = "",
                .panels = {},
                .columns = 1,
                .width = 85};
  if (const std::optional<Panel> map = map_of_angles(input)) {
    figure.panels.push_back(*map);
    figure.columns = 2;
    figure.width = 176;
  }
  figure.panels.push_back(angles_over_depth(input));
  std::vector<double> within_layers, across_layers;
  const std::vector<std::vector<double>> angles = angles_of(input.trace());
  for (std::size_t s = 0; s < angles.size(); ++s) {
    if (!angles[s].empty())
      (input.trace().is_within_layer(static_cast<std::int64_t>(s)) ? within_layers : across_layers)
          .push_back(middle_of(angles[s]));
  }
  std::ranges::sort(within_layers);
  std::ranges::sort(across_layers);
  figure.seen =
      concat("The median angle is ", short_number(middle_of(within_layers)), "° over a typical attention, ",
             short_number(middle_of(across_layers)), "° over a typical MLP.");
  return figure;
}

}  // namespace

std::vector<Recipe> flow_figures() {
  return {{"flow_eigenvalues",
           "Eigenvalues of the linear flow",
           Source::trace,
           {"/geometry/flow_eigenvalue", "/geometry/flow_explained", "/geometry/flow_persistence"},
           flow_eigenvalues},
          {"principal_angles",
           "Principal angles between successive points",
           Source::trace,
           {"/geometry/principal_angle"},
           principal_angles}};
}

}  // namespace orrery::report
