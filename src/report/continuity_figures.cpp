#include "figure_parts.hpp"
#include "figure_sets.hpp"
#include "orrery/core/concat.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::report {
namespace {

using core::concat;

/// The values of a dataset of steps that stay in a layer, or of those between layers.
std::vector<double> of_steps(const Run& run, const std::vector<double>& values, bool within) {
  std::vector<double> some;
  for (std::size_t s = 0; s < values.size(); ++s) {
    if (run.is_within_layer(static_cast<std::int64_t>(s)) == within) some.push_back(values[s]);
  }
  return some;
}

Figure correlation(const FigureInput& input) {
  const Run& run = input.trace();
  const Array all = run.array("/continuity/correlation", 2);
  // The paper's points: all but the last stream.
  const std::int64_t points = run.points() - 1;
  HeatMap map;
  for (std::int64_t s = 0; s < points; ++s) {
    map.x.push_back(run.depth(static_cast<double>(s)));
    for (std::int64_t t = 0; t < points; ++t) map.value.push_back(all.at({s, t}));
  }
  map.y = map.x;
  const double end = static_cast<double>(run.layers()) - 0.25;
  Panel panel{.title = "Correlation of a unit with itself",
              .x = {.label = depth_label(input), .low = -0.25, .high = end},
              .y = {.label = "layer l", .low = -0.25, .high = end},
              .layers = {map},
              .colour = ColourBar{symmetric_axis("mean correlation over units", {1.0}), Palette::diverging}};
  std::vector<double> far;
  for (std::int64_t s = 0; s < points; ++s) far.push_back(all.at({0, s}));
  return {.caption =
              "Pearson correlation over samples of each unit's activation at two capture points, mean over "
              "units. Each layer has two points: before its attention, and before its MLP.",
          .seen = concat("With the first point, correlation falls ", from_to(far), "."),
          .panels = {panel},
          .height = 72};
}

/// Shares of the values in 50 bins of −1 … 1.
Histogram correlations_of(const std::vector<double>& values, std::string label, Hue hue, bool filled) {
  Histogram histogram = shares(values, -1, 1, 50);
  histogram.label = std::move(label);
  histogram.hue = hue;
  histogram.filled = filled;
  return histogram;
}

Figure unit_correlation(const FigureInput& input) {
  const Run& run = input.trace();
  const Array units = run.array("/continuity/unit_correlation", 2);
  std::vector<double> within, across, mean;
  for (std::int64_t s = 0; s < units.extent(0); ++s) {
    const std::vector<double> row = units.row({s});
    mean.push_back(mean_of(row));
    // As headlines: up to point S − 1.
    std::vector<double>& kind = run.is_within_layer(s) ? within : across;
    if (s + 1 < units.extent(0)) kind.insert(kind.end(), row.begin(), row.end());
  }
  const Histogram of_within = correlations_of(within, "within a layer", Hue::blue, true);
  const Histogram of_across = correlations_of(across, "across layers", Hue::vermilion, false);
  Panel shares{.title = "Adjacent points, all units",
               .x = {.label = "correlation of a unit over samples", .low = -1, .high = 1},
               .y = axis_over("share of units and steps", {of_within.height, of_across.height, {0}}),
               .layers = {of_within, of_across},
               .legend = Legend::top_left};
  shares.y.low = 0;
  const std::vector<double> null = run.reals("/continuity/residual_null");
  Panel depth{.title = "Mean over units",
              .x = {.label = depth_label(input), .low = 0, .high = static_cast<double>(run.layers())},
              .y = axis_over("adjacent correlation", {mean, null}),
              .layers = {},
              .legend = Legend::above};
  const auto add = [&](const char* label, const std::vector<double>& of, bool is_within, Hue hue,
                       Stroke stroke) {
    Curve curve{.label = label, .x = {}, .y = of_steps(run, of, is_within), .hue = hue, .stroke = stroke};
    if (curve.y.empty()) return;
    for (std::int64_t s = 0; s < std::ssize(of); ++s) {
      if (run.is_within_layer(s) == is_within) curve.x.push_back(run.depth(static_cast<double>(s) + 0.5));
    }
    depth.layers.emplace_back(std::move(curve));
  };
  add("within", mean, true, Hue::blue, Stroke::solid);
  add("across", mean, false, Hue::vermilion, Stroke::solid);
  add("independent steps", null, true, Hue::blue, Stroke::dotted);
  add("", null, false, Hue::vermilion, Stroke::dotted);
  return {.caption =
              "How each unit's activation at a capture point correlates with that at the next, within a "
              "layer (over its attention) and across layers (over an MLP). Dotted: what adding an "
              "independent step of the same size leaves by itself.",
          .seen = concat("Means: ", short_number(mean_of(within)), " within layers, ",
                         short_number(mean_of(across)), " across; of independent steps ",
                         short_number(mean_of(of_steps(run, null, true))), " and ",
                         short_number(mean_of(of_steps(run, null, false))), "."),
          .panels = {shares, depth},
          .columns = 2,
          .width = 176};
}

Figure velocity(const FigureInput& input) {
  const auto against = [](const char* measure) {
    const std::string name = measure;
    return std::vector<DepthCurve>{
        {"streams", "/continuity/" + name + "_mean", Hue::blue, Stroke::solid,
         "/continuity/" + name + "_std"},
        {"samples permuted", "/control/sample_permuted/" + name + "_mean", Hue::orange, Stroke::dashed},
        {"layers permuted", "/control/layer_permuted/" + name + "_mean", Hue::green, std::nullopt}};
  };
  const Panel cosine = depth_panel(input, "Cosine of successive streams", "cosine", against("cosine"));
  const Panel speed = depth_panel(input, "Velocity", "length of a step", against("velocity"), true);
  const Panel relative = depth_panel(input, "Relative velocity", "length of a step ÷ norm",
                                     {{"streams", "/continuity/relative_velocity_mean", Hue::blue,
                                       Stroke::solid, "/continuity/relative_velocity_std"}},
                                     true);
  const Panel acceleration = depth_panel(input, "Acceleration", "change of velocity",
                                         {{"streams", "/continuity/acceleration", Hue::blue}});
  const Run& run = input.trace();
  return {.caption =
              "The cosine of a sample's stream with that at the next capture point, the length of the step "
              "between them, and that over the stream's norm; means over samples and one standard deviation. "
              "The norm grows with depth, and velocity with it; relative velocity is free of that.",
          .seen = concat("Velocity goes ", from_to(run.reals("/continuity/velocity_mean")),
                         ", relative velocity ", from_to(run.reals("/continuity/relative_velocity_mean")),
                         ", cosine ", from_to(run.reals("/continuity/cosine_mean")), "."),
          .panels = {cosine, speed, relative, acceleration},
          .columns = 2,
          .width = 176};
}

Figure lag(const FigureInput& input) {
  Panel panel{.title = "Correlation by lag",
              .x = {.label = "lag in capture points", .low = 0, .high = 1},
              .y = {},
              .layers = {},
              .legend = Legend::above};
  std::vector<std::vector<double>> all;
  const auto add = [&](const Run& run, const char* dataset, const std::string& label, Hue hue,
                       Stroke stroke) {
    if (!run.has(dataset)) return;
    const Array pairs = run.array(dataset, 2);
    Curve curve{.label = label, .x = {}, .y = {}, .hue = hue, .stroke = stroke};
    for (std::int64_t lag = 1; lag < run.points() - 1; ++lag) {
      std::vector<double> at_lag;
      for (std::int64_t s = 0; s + lag < run.points() - 1; ++s) at_lag.push_back(pairs.at({s, s + lag}));
      curve.x.push_back(static_cast<double>(lag));
      curve.y.push_back(mean_of(at_lag));
    }
    panel.x.high = std::max(panel.x.high, static_cast<double>(run.points()));
    all.push_back(curve.y);
    panel.layers.emplace_back(std::move(curve));
  };
  if (input.overlays()) {
    for (std::size_t i = 0; i < input.traces.size(); ++i)
      add(input.traces[i], "/continuity/correlation", input.traces[i].label(), hue_of(i), Stroke::solid);
  } else {
    add(input.trace(), "/continuity/correlation", "streams", Hue::blue, Stroke::solid);
    add(input.trace(), "/control/sample_permuted/correlation", "samples permuted", Hue::orange,
        Stroke::dashed);
    add(input.trace(), "/control/layer_permuted/correlation", "layers permuted", Hue::green, Stroke::dotted);
    add(input.trace(), "/control/random_basis/correlation", "random basis", Hue::purple, Stroke::dashed);
  }
  panel.y = axis_over("mean correlation over units", all);
  const auto& first = std::get<Curve>(panel.layers.front()).y;
  return {.caption =
              "The mean correlation of a unit with itself so many capture points later, over all pairs of "
              "points at that lag: what of the continuity of neighbours lasts. The layers of the control "
              "stand in one random order. In a random basis, units are directions drawn at random.",
          .seen = concat("It goes ", from_to(first), " between the smallest and the greatest lag."),
          .panels = {panel}};
}

Figure density(const FigureInput& input) {
  const auto curve = [](const char* name) {
    const std::string path = concat("/density/", name);
    return std::vector<DepthCurve>{{"", path + "_mean", Hue::blue, Stroke::solid, path + "_std"}};
  };
  const std::vector<double> active = input.trace().reals("/density/active_mean");
  return {.caption =
              "The stream over depth, means over samples and one standard deviation: its norm, the share of "
              "units above 0.1 in magnitude (the paper's density, which grows with the norm), and two "
              "measures free of the norm: Hoyer's sparsity (0: all units equal, 1: one unit alone) and the "
              "excess kurtosis over units.",
          .seen = concat("The share of active units goes ", from_to(active), ", Hoyer's sparsity ",
                         from_to(input.trace().reals("/density/hoyer_mean")), "."),
          .panels = {depth_panel(input, "Norm", "norm", curve("norm"), true),
                     depth_panel(input, "Active units", "share of units with |x| > 0.1", curve("active")),
                     depth_panel(input, "Sparsity", "Hoyer's sparsity", curve("hoyer")),
                     depth_panel(input, "Kurtosis", "excess kurtosis over units", curve("kurtosis"), true)},
          .columns = 2,
          .width = 176};
}

Figure information(const FigureInput& input) {
  const std::vector<double> mean = input.trace().reals("/continuity/mutual_information_mean");
  return {.caption =
              "Mutual information between a unit's activations at successive capture points, over samples, "
              "in nats: mean over units, of equal-frequency bins, less the Miller–Madow bias; 0 for "
              "independent ones.",
          .seen = concat("It goes ", from_to(mean), " nats."),
          .panels = {depth_panel(input, "Mutual information", "information (nats)",
                                 {{"", "/continuity/mutual_information_mean", Hue::blue}})}};
}

}  // namespace

std::vector<Recipe> continuity_figures() {
  return {
      {"correlation", "Correlation between points", Source::trace, {"/continuity/correlation"}, correlation},
      {"unit_correlation",
       "Correlation of units at adjacent points",
       Source::trace,
       {"/continuity/unit_correlation", "/continuity/residual_null"},
       unit_correlation},
      {"velocity",
       "Cosine and velocity",
       Source::trace,
       {"/continuity/cosine_mean", "/continuity/velocity_mean", "/continuity/relative_velocity_mean"},
       velocity},
      {"lag", "Correlation by lag", Source::trace, {"/continuity/correlation"}, lag},
      {"density",
       "Density and norm",
       Source::trace,
       {"/density/norm_mean", "/density/active_mean", "/density/hoyer_mean", "/density/kurtosis_mean"},
       density},
      {"information",
       "Mutual information",
       Source::trace,
       {"/continuity/mutual_information_mean"},
       information}};
}

}  // namespace orrery::report
