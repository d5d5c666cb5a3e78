#include "figure_parts.hpp"
#include "figure_sets.hpp"
#include "orrery/core/concat.hpp"
#include "sweep_numbers.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::report {
namespace {

using core::concat;

/// (layer, part) values as a map: the heads, an empty column, the MLP.
HeatMap parts_map(const std::vector<double>& values, std::size_t layers) {
  HeatMap map;
  const std::size_t parts = values.size() / layers;
  for (std::size_t x = 0; x <= parts; ++x) map.x.push_back(static_cast<double>(x));
  for (std::size_t y = 0; y < layers; ++y) {
    map.y.push_back(static_cast<double>(y));
    const auto row = values.begin() + static_cast<std::ptrdiff_t>(y * parts);
    map.value.insert(map.value.end(), row, row + static_cast<std::ptrdiff_t>(parts - 1));
    map.value.push_back(std::nan(""));
    map.value.push_back(row[static_cast<std::ptrdiff_t>(parts - 1)]);
  }
  return map;
}

Panel ablation_panel(const Run& sweep, const std::string& title, const std::vector<double>& values,
                     const ColourBar& colours) {
  const std::vector<std::int64_t> layers = sweep.file().read_integers("/ablated_layer");
  const HeatMap map = parts_map(shown_on(colours.axis, values), layers.size());
  Panel panel{.title = title,
              .x = {.label = "head, and the MLP", .low = -0.5, .high = map.x.back() + 0.5},
              .y = {.label = "layer", .low = -0.5, .high = map.y.back() + 0.5},
              .layers = {},
              .colour = colours};
  const std::int64_t heads = std::ssize(map.x) - 2;
  for (const std::int64_t head : spread_places(heads, heads <= 10 ? heads : 5))
    panel.x.ticks.emplace_back(static_cast<double>(head), concat(head));
  panel.x.ticks.emplace_back(map.x.back(), "MLP");
  const std::int64_t rows = std::ssize(layers), step = rows <= 8 ? 1 : rows <= 40 ? 5 : 10;
  for (std::int64_t row = 0; row < rows; row += step)
    panel.y.ticks.emplace_back(static_cast<double>(row), concat(layers[static_cast<std::size_t>(row)]));
  add_drawable(panel, map_or_dots(map));
  return panel;
}

/// The share of prompts whose most likely next token changes, by layer and part.
std::vector<double> changed_share(const Array& top1) {
  std::vector<double> shares;
  for (std::int64_t a = 0; a < top1.extent(1); ++a) {
    for (std::int64_t part = 0; part < top1.extent(2); ++part) {
      FiniteMean kept;
      for (std::int64_t q = 0; q < top1.extent(0); ++q) kept.add(top1.at({q, a, part}));
      shares.push_back(1 - kept.value());
    }
  }
  return shares;
}

Figure ablation(const FigureInput& input) {
  const Run& sweep = *input.sweep;
  const std::vector<double> kl = sweep.array("/ablation/kl_mean", 2).values();
  const std::vector<std::int64_t> layers = sweep.file().read_integers("/ablated_layer");
  const std::vector<std::string> parts = sweep.file().read_texts("/part");
  const auto most = static_cast<std::size_t>(std::ranges::max_element(kl) - kl.begin());
  Figure figure{
      .caption = concat(
          "What the loss of a part changes in the next token: each attention head's contribution to the last "
          "token's stream, and each MLP's in a column of its own, is set to ",
          sweep.file().attribute("/", "ablate") && sweep.file().text("ablate") == "mean"
              ? "its mean over samples"
              : "zero",
          ", one at a time. Left, the divergence from the unperturbed distribution, mean over prompts, 0 "
          "left "
          "white where the scale is logarithmic; right, the share of prompts whose most likely token "
          "changes."),
      .seen = concat("The most, ", short_number(kl[most]), " nats, from ", parts.at(most % parts.size()),
                     " of layer ", layers.at(most / parts.size()), "."),
      .panels = {ablation_panel(sweep, "Divergence", kl, {colour_axis("mean KL divergence (nats)", {kl})})},
      .columns = 2,
      .width = 176,
      .height = 78};
  if (sweep.has("/ablation/top1")) {
    const std::vector<double> changed = changed_share(sweep.array("/ablation/top1", 3));
    figure.panels.push_back(ablation_panel(sweep, "Most likely token", changed,
                                           {{.label = "share of prompts where it changes"}}));
  }
  return figure;
}

}  // namespace

std::vector<Recipe> ablation_figures() {
  return {{"ablation", "Loss of heads and MLPs", Source::sweep, {"/ablation/kl_mean"}, ablation}};
}

}  // namespace orrery::report
