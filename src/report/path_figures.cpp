#include "figure_parts.hpp"
#include "figure_sets.hpp"
#include "orrery/core/concat.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace orrery::report {
namespace {

using core::concat;

constexpr std::int64_t most_trajectories = 200;

/// The mean trajectory's first `count` points in component j.
std::vector<double> mean_along(const Array& mean, std::int64_t count, std::int64_t j) {
  std::vector<double> values;
  for (std::int64_t s = 0; s < count; ++s) values.push_back(mean.at({s, j}));
  return values;
}

/// How many components have a score at all points: those within the rank.
std::int64_t components_of(const Array& mean) {
  std::int64_t count = 0;
  while (count < mean.extent(1) && std::ranges::all_of(mean_along(mean, mean.extent(0), count),
                                                       [](double z) { return std::isfinite(z); }))
    ++count;
  return count;
}

/// "PC 1 (48 % of variance)".
std::string component_label(const Run& run, std::size_t j) {
  const std::string name = concat("pooled PC ", j + 1);
  if (!run.has("/pooled/eigenvalue")) return name;
  const std::vector<double> values = run.reals("/pooled/eigenvalue");
  const double total = std::accumulate(values.begin(), values.end(), 0.0);
  if (j >= values.size() || !(total > 0)) return name;
  return concat(name, " (", short_number(100 * values[j] / total), " % of variance)");
}

/// Every so many-th sample's trajectory is drawn; 0 where the file has none.
std::int64_t sample_stride(const Run& run) {
  if (!run.has("/pooled/score")) return 0;
  const std::int64_t samples = run.file().info("/pooled/score").shape.front();
  return std::max<std::int64_t>(1, (samples + most_trajectories - 1) / most_trajectories);
}

/// Some samples' trajectories in the first two components: (P) points each, a NaN after each. Nothing where
/// the file has no samples' scores.
Curve sample_trajectories(const Run& run) {
  Curve curve{.label = "", .x = {}, .y = {}, .hue = Hue::light_grey, .width = 0.3};
  const std::int64_t stride = sample_stride(run);
  if (stride == 0) return curve;
  const std::vector<std::int64_t>& shape = run.file().info("/pooled/score").shape;  // (N, P, k)
  const std::int64_t samples = shape.front(), components = shape.back();
  for (std::int64_t n = 0; n < samples; n += stride) {
    // Row by row: the whole dataset of a long run does not fit a login node.
    const std::vector<double> scores = run.file().read_reals("/pooled/score", n, 1);
    for (std::int64_t s = 0; s < run.points(); ++s) {
      curve.x.push_back(scores.at(static_cast<std::size_t>(s * components)));
      curve.y.push_back(scores.at(static_cast<std::size_t>(s * components + 1)));
    }
    curve.x.push_back(std::nan(""));
    curve.y.push_back(std::nan(""));
  }
  return curve;
}

/// The first `count` points of each trajectory of (P) points and a NaN.
Curve beginnings(const Curve& all, std::int64_t points, std::int64_t count) {
  Curve curve = all;
  curve.x.clear();
  curve.y.clear();
  for (std::int64_t place = 0; place < std::ssize(all.x); ++place) {
    const std::int64_t s = place % (points + 1);
    if (s >= count && s != points) continue;
    curve.x.push_back(all.x[static_cast<std::size_t>(place)]);
    curve.y.push_back(all.y[static_cast<std::size_t>(place)]);
  }
  return curve;
}

ColourBar depth_bar(const Run& run, std::int64_t points) {
  const Axis axis{.label = "layer l", .low = 0, .high = run.depth(static_cast<double>(points - 1))};
  return {with_few_ticks(axis, 8)};
}

std::vector<double> depths(const Run& run, std::int64_t count) {
  std::vector<double> all;
  for (std::int64_t s = 0; s < count; ++s) all.push_back(run.depth(static_cast<double>(s)));
  return all;
}

/// The first `count` points in the plane of the first two components.
Panel plane_panel(const Run& run, const std::string& title, const Array& mean, const Curve& samples,
                  std::int64_t count) {
  const Curve grey = beginnings(samples, run.points(), count);
  Cloud path{.label = "",
             .x = mean_along(mean, count, 0),
             .y = mean_along(mean, count, 1),
             .value = depths(run, count),
             .line = true};
  Panel panel{.title = title,
              .x = with_few_ticks(axis_over(component_label(run, 0), {path.x, grey.x}), 5),
              .y = with_few_ticks(axis_over(component_label(run, 1), {path.y, grey.y}), 6),
              .layers = {},
              .colour = depth_bar(run, count)};
  if (!grey.x.empty()) panel.layers.emplace_back(grey);
  Cloud dots = path;
  dots.line = false;
  dots.size = 0.35;
  panel.layers.emplace_back(std::move(path));
  panel.layers.emplace_back(std::move(dots));
  return panel;
}

Panel space_panel(const Run& run, const Array& mean) {
  const std::int64_t count = run.points();
  Path path{.x = mean_along(mean, count, 0),
            .y = mean_along(mean, count, 1),
            .z = mean_along(mean, count, 2),
            .value = depths(run, count)};
  return {.title = "Mean trajectory, three components",
          .x = with_few_ticks(axis_over("PC 1", {path.x}), 5),
          .y = with_few_ticks(axis_over("PC 2", {path.y}), 5),
          .layers = {path},
          .z = with_few_ticks(axis_over("PC 3", {path.z}), 5),
          .colour = depth_bar(run, count)};
}

/// How many points there are up to half the depth.
std::int64_t points_of_first_half(const Run& run) {
  std::int64_t count = 0;
  while (count < run.points() &&
         2 * run.depth(static_cast<double>(count)) <= static_cast<double>(run.layers()))
    ++count;
  return count;
}

Figure trajectory(const FigureInput& input) {
  const Run& run = input.trace();
  const Array mean = run.array("/pooled/mean_score", 2);
  const std::int64_t components = components_of(mean);
  Figure figure{.caption =
                    "The mean over samples of the stream, point by point, in the first principal "
                    "components of all points of all samples together, coloured by depth. "
                    "The axes' scales differ. Streams grow with depth, so that late layers set the scale: "
                    "the lower panels leave out the last stream, and all of the second half.",
                .seen = "There are fewer than two components.",
                .panels = {},
                .columns = 2,
                .width = 176,
                .height = 68};
  if (components < 2) {
    figure.panels.emplace_back();
    return figure;
  }
  const Curve samples = sample_trajectories(run);
  if (const std::int64_t stride = sample_stride(run); stride == 1) {
    figure.caption += " Grey: the trajectories of all samples.";
  } else if (stride > 1) {
    figure.caption += concat(" Grey: the trajectories of samples 0, ", stride, ", ", 2 * stride,
                             ", …, so that no more than ", most_trajectories, " are drawn.");
  }
  figure.caption += of_first(input);
  const std::int64_t points = run.points();
  figure.panels.push_back(plane_panel(run, "All points", mean, samples, points));
  if (components >= 3) figure.panels.push_back(space_panel(run, mean));
  figure.panels.push_back(plane_panel(run, "Without the last stream", mean, samples, points - 1));
  figure.panels.push_back(
      plane_panel(run, "First half of the layers", mean, samples, points_of_first_half(run)));
  figure.seen = concat(
      "The mean goes ", from_to(mean_along(mean, points, 0)), " along the first component and ",
      from_to(mean_along(mean, points, 1)), " along the second; up to the last but one point ",
      from_to(mean_along(mean, points - 1, 0)), " and ", from_to(mean_along(mean, points - 1, 1)), ".");
  return figure;
}

/// arc ÷ √Σ v²: the straightness of as many independent steps of these mean lengths in a high dimension.
double straightness_of_chance(const std::vector<double>& velocity) {
  const double arc = std::accumulate(velocity.begin(), velocity.end(), 0.0);
  return arc / std::sqrt(std::inner_product(velocity.begin(), velocity.end(), velocity.begin(), 0.0));
}

/// Shares of samples in 40 bins from 1, which is straight, to the greatest or four medians; the last bin
/// holds what lies beyond.
Panel straightness_panel(const FigureInput& input) {
  constexpr int bins = 40;
  Panel panel{.title = "Straightness of the samples",
              .x = {.label = "arc length ÷ distance of the ends", .low = 1, .high = 1.1},
              .y = {},
              .layers = {},
              .legend = Legend::above};
  std::vector<std::pair<const Run*, std::vector<double>>> runs;
  for (const Run& run : input.traces) {
    if (!run.has("/geometry/straightness")) continue;
    std::vector<double> values = finite_of(run.reals("/geometry/straightness"));
    if (values.empty()) continue;
    std::ranges::sort(values);
    panel.x.high = std::max(panel.x.high, std::min(values.back(), 4 * values[values.size() / 2]));
    runs.emplace_back(&run, std::move(values));
    if (!input.overlays()) break;
  }
  const double width = (panel.x.high - 1) / bins;
  double highest = 0;
  for (const auto& [run, values] : runs) {
    Histogram histogram{.label = input.overlays() ? run->label() : "samples",
                        .first = 1,
                        .width = width,
                        .height = std::vector<double>(bins),
                        .hue = hue_of(static_cast<std::size_t>(run - input.traces.data())),
                        .filled = !input.overlays()};
    for (const double value : values) {
      const double bin = std::clamp((value - 1) / width, 0.0, bins - 1.0);
      histogram.height[static_cast<std::size_t>(bin)] += 1;
    }
    for (double& height : histogram.height) {
      height *= 100 / static_cast<double>(values.size());
      highest = std::max(highest, height);
    }
    panel.layers.emplace_back(std::move(histogram));
  }
  panel.y = {.label = "samples (%)", .low = 0, .high = 1.08 * highest};
  const Run& run = input.trace();
  if (runs.empty() || input.overlays() || !run.has("/continuity/velocity_mean")) return panel;
  const double chance = straightness_of_chance(finite_of(run.reals("/continuity/velocity_mean")));
  if (!std::isfinite(chance)) return panel;
  panel.x.high = std::max(panel.x.high, 1.05 * chance);
  panel.layers.emplace_back(guide("independent steps as long", {chance, chance}, {0, panel.y.high}));
  return panel;
}

/// A standard deviation may reach beyond 0° … 180°, where no angle is.
void cut_to_angles(Layer& layer) {
  Band* band = std::get_if<Band>(&layer);
  if (band == nullptr) return;
  for (double& value : band->low) value = std::max(value, 0.0);
  for (double& value : band->high) value = std::min(value, 180.0);
}

Figure curvature(const FigureInput& input) {
  const auto bend = [&](const std::string& title, const std::vector<DepthCurve>& curves) {
    Panel panel = depth_panel(input, title, "angle of steps (°)", curves);
    if (panel.layers.empty()) return panel;
    for (Layer& layer : panel.layers) cut_to_angles(layer);
    panel.y = {.label = panel.y.label, .low = 0, .high = 180};
    panel.y.ticks = {{0, " 0"}, {45, " 45"}, {90, " 90"}, {135, " 135"}, {180, " 180"}};
    panel.layers.emplace_back(level("independent steps", panel.x, 90));
    panel.legend = Legend::above;
    return panel;
  };
  const DepthCurve whole{"all units",   "/geometry/curvature_mean", Hue::blue,
                         Stroke::solid, "/geometry/curvature_std",  degrees};
  const DepthCurve plane{"first two pooled components",
                         "/geometry/plane_curvature_mean",
                         Hue::vermilion,
                         Stroke::solid,
                         "/geometry/plane_curvature_std",
                         degrees};
  Figure figure{
      .caption =
          "The angle between one step of a sample's stream and the next, mean over samples and one "
          "standard deviation: 0° goes straight on, 180° back. Independent steps turn by 90° on average. "
          "In the plane of two components angles vary far more, and are those of a shadow of the path. "
          "Bands end at 0° and 180°. ",
      .seen = "",
      .panels = {}};
  if (input.overlays()) {
    figure.panels = {bend("Curvature, all units", {whole}), bend("Curvature in the plane", {plane})};
  } else {
    figure.panels = {bend("Curvature", {plane, whole})};
  }
  const Run& run = input.trace();
  std::vector<double> angles = run.reals("/geometry/curvature_mean");
  for (double& angle : angles) angle *= degrees;
  figure.seen =
      concat("In all units the angle is ", mean_text(angles), "° on average and goes ", from_to(angles), "°");
  if (Panel panel = straightness_panel(input); !panel.layers.empty()) {
    figure.panels.push_back(std::move(panel));
    figure.caption +=
        "Straightness: the length of a sample's path over the distance of its ends, 1 where it is "
        "straight; the last bin holds all that lies beyond it.";
    if (!input.overlays())
      figure.caption += " Dotted: what independent steps of the same mean lengths would make of it.";
    if (run.has("/geometry/straightness"))
      figure.seen += concat("; paths are ", mean_text(run.reals("/geometry/straightness")),
                            " times as long as the distance of their ends");
  }
  figure.seen += ".";
  if (figure.panels.size() > 1) {
    figure.columns = 2;
    figure.width = 176;
  }
  figure.height = 66;
  return figure;
}

}  // namespace

std::vector<Recipe> path_figures() {
  return {
      {"trajectory", "Mean trajectory", Source::trace, {"/pooled/mean_score"}, trajectory},
      {"curvature", "Curvature and straightness", Source::trace, {"/geometry/curvature_mean"}, curvature}};
}

}  // namespace orrery::report
