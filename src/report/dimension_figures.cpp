#include "figure_parts.hpp"
#include "figure_sets.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/statistics/perturbation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace orrery::report {
namespace {

using core::concat;

/// The percentage of variance that the first 1, 2, … components hold; nothing where nothing varies.
std::vector<double> cumulative_percent(std::vector<double> eigenvalues, double total) {
  std::partial_sum(eigenvalues.begin(), eigenvalues.end(), eigenvalues.begin());
  if (std::isnan(total)) total = eigenvalues.back();
  if (!(total > 0) || !std::isfinite(total)) return {};
  for (double& value : eigenvalues) value = 100 * value / total;
  return eigenvalues;
}

Figure explained_variance(const FigureInput& input) {
  const Run& run = input.trace();
  const Array eigenvalues = run.array("/pca/eigenvalue", 2);
  const auto totals = run.has("/pca/total_variance")
                          ? run.reals("/pca/total_variance")
                          : std::vector<double>(static_cast<std::size_t>(run.points()), std::nan(""));
  const std::int64_t count = eigenvalues.extent(1);
  std::vector<double> components(static_cast<std::size_t>(count));
  std::iota(components.begin(), components.end(), 1.0);
  Panel panel{.title = "Cumulative explained variance",
              .x = {.label = "number of leading components",
                    .low = 1,
                    .high = static_cast<double>(std::max<std::int64_t>(count, 2)),
                    .is_logarithmic = true},
              .y = {.label = "variance explained (%)", .low = 0, .high = 102},
              .layers = {},
              .legend = Legend::above};
  std::string seen;
  std::size_t place = 0;
  for (const core::Layer layer : statistics::start_layers(run.layers())) {
    const std::int64_t point = run.first_point(layer.value());
    const Hue hue = hue_of(place++);
    Curve curve{.label = concat("layer ", layer.value()),
                .x = components,
                .y = cumulative_percent(eigenvalues.row({point}), totals.at(static_cast<std::size_t>(point))),
                .hue = hue};
    if (curve.y.empty()) continue;
    const auto reached = std::ranges::find_if(curve.y, [](double percent) { return percent >= 90; });
    seen += concat(seen.empty() ? "" : ", ", "layer ", layer.value(), ": the first holds ",
                   short_number(curve.y.front()), " %, 90 % needs ", reached - curve.y.begin() + 1);
    panel.layers.emplace_back(std::move(curve));
  }
  panel.layers.emplace_back(level("90 %", panel.x, 90));
  return {
      .caption = concat("The share of the variance over samples that the leading principal components of a "
                        "capture point hold, at the points before the attention of the first and last layer "
                        "and of three between. A curve that is high at the left says that few components "
                        "hold most. There are ",
                        count,
                        " components; where the number of samples limits them, all curves reach 100 % "
                        "there, whatever the model does.",
                        of_first(input)),
      .seen = seen.empty() ? "Nothing varies at these points." : seen + ".",
      .panels = {panel},
      .height = 66};
}

/// Numbers of components over depth: of three shares, or where runs are overlaid, each run's for 90 %.
Panel components_panel(const FigureInput& input) {
  Panel panel{.title = input.overlays() ? "Components for 90 % of the variance" : "Components for a share",
              .x = {.label = depth_label(input), .low = 0, .high = 1},
              .y = {},
              .layers = {},
              .legend = Legend::above};
  std::vector<double> all;
  const auto add = [&](const Run& run, std::int64_t share, std::string label, Hue hue) {
    if (!run.has("/pca/components_for")) return;
    const Array numbers = run.array("/pca/components_for", 2);
    Curve curve{.label = std::move(label), .x = {}, .y = {}, .hue = hue};
    const double unit = input.overlays() ? static_cast<double>(run.layers()) : 1;
    for (std::int64_t s = 0; s < run.points(); ++s) {
      curve.x.push_back(run.depth(static_cast<double>(s)) / unit);
      curve.y.push_back(numbers.at({s, share}));
    }
    all.insert(all.end(), curve.y.begin(), curve.y.end());
    panel.layers.emplace_back(std::move(curve));
  };
  if (input.overlays()) {
    for (std::size_t i = 0; i < input.traces.size(); ++i)
      add(input.traces[i], 2, input.traces[i].label(), hue_of(i));
  } else {
    const Run& run = input.trace();
    panel.x.high = static_cast<double>(run.layers());
    add(run, 4, "99 %", Hue::purple);
    add(run, 2, "90 %", Hue::blue);
    add(run, 0, "50 %", Hue::green);
    if (run.has("/pca/eigenvalue")) {
      const auto most = static_cast<double>(run.file().info("/pca/eigenvalue").shape.back());
      panel.layers.emplace_back(level("all there are", panel.x, most));
      all.push_back(most);
    }
  }
  panel.y = axis_over("number of components", {all}, spans_scales(all));
  if (!panel.y.is_logarithmic) panel.y.low = 0;
  return panel;
}

/// A panel of numbers of dimensions, logarithmic where they span scales.
Panel ratios_panel(const FigureInput& input, const std::string& title,
                   const std::vector<DepthCurve>& curves) {
  std::vector<double> all;
  for (const Run& run : input.traces) {
    for (const DepthCurve& one : curves) {
      if (!run.has(one.dataset)) continue;
      const std::vector<double> values = run.reals(one.dataset);
      all.insert(all.end(), values.begin(), values.end());
    }
  }
  return depth_panel(input, title, "number of dimensions", curves, spans_scales(all));
}

Figure dimension(const FigureInput& input) {
  const std::vector<DepthCurve> ratios = {
      {"participation ratio", "/pca/participation_ratio", Hue::blue},
      {"corrected for N", "/pca/participation_ratio_corrected", Hue::vermilion, Stroke::dashed},
      {"standardised", "/pca/participation_ratio_standardised", Hue::green},
      {"effective rank", "/pca/effective_rank", Hue::purple}};
  std::vector<Panel> panels;
  if (input.overlays()) {
    const std::array titles = {"Participation ratio", "Participation ratio, corrected for N",
                               "Participation ratio, standardised", "Effective rank"};
    for (std::size_t i = 0; i < ratios.size(); ++i)
      panels.push_back(ratios_panel(input, titles[i], {{"", ratios[i].dataset}}));
  } else {
    panels.push_back(ratios_panel(input, "Participation ratio and effective rank", ratios));
  }
  panels.push_back(components_panel(input));
  panels.push_back(depth_panel(input, "Largest unit", "variance in one unit (%)",
                               {{"", "/pca/top_unit_share", Hue::blue, Stroke::solid, "", 100}}));
  panels.back().y.low = 0;
  if (!input.overlays()) {
    panels.push_back(
        depth_panel(input, "Total variance", "variance", {{"", "/pca/total_variance", Hue::blue}}, true));
    // Numbers of six digits have no room.
    panels.back().y = with_few_ticks(panels.back().y, 6);
  }
  const Run& run = input.trace();
  const std::vector<double> ratio = run.reals("/pca/participation_ratio");
  const Array numbers = run.array("/pca/components_for", 2);
  std::string seen =
      concat("The participation ratio goes ", from_to(ratio), ", components for 90 % from ",
             short_number(numbers.at({0, 2})), " to ", short_number(numbers.at({run.points() - 1, 2})));
  if (run.has("/pca/top_unit_share"))
    seen += concat("; one unit holds ", mean_text(run.reals("/pca/top_unit_share")),
                   " of the variance on average");
  return {
      .caption =
          "Over how many dimensions the samples' streams spread at each capture point. Participation ratio: "
          "the squared sum of the covariance's eigenvalues over the sum of their squares, 1 where one "
          "component holds everything. Few samples make it too small; corrected for N, it is not. "
          "Standardised, each unit counts the same, so that one massive unit can't carry it. Effective "
          "rank: exp of the entropy of the spectrum. Number of leading components for a share of the "
          "variance: no more than there are eigenvalues, which few samples limit. Largest unit: the share "
          "of the variance that lies in a single unit; where it is large, all but the standardised ratio "
          "speak of that unit.",
      .seen = seen + ".",
      .panels = panels,
      .columns = 2,
      .width = 176};
}

}  // namespace

std::vector<Recipe> dimension_figures() {
  return {
      {"explained_variance", "Explained variance", Source::trace, {"/pca/eigenvalue"}, explained_variance},
      {"dimension",
       "Dimension over depth",
       Source::trace,
       {"/pca/participation_ratio", "/pca/components_for"},
       dimension}};
}

}  // namespace orrery::report
