// What noise and what the loss of a part do to a stream.
#include "noise_figures.hpp"

#include "figure_parts.hpp"
#include "orrery/core/concat.hpp"
#include "sweep_numbers.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::report {
namespace {

using core::concat;

// ---- Noise ----

/// Means over prompts and directions of a kind, by start layer and, fastest, epsilon.
struct Response {
  std::vector<FiniteMean> kl, ratio;
};

/// The response to noise along the directions at these places. Reads distances a prompt at a time: all may
/// be gigabytes.
Response response(const Run& sweep, const std::vector<std::int64_t>& directions) {
  const std::vector<std::int64_t>& shape = sweep.file().info("/noise/distance").shape;
  const std::int64_t prompts = shape.at(0), starts = shape.at(1), epsilons = shape.at(2), all = shape.at(3),
                     points = shape.at(4);
  const std::vector<std::int64_t> layers = start_layers(sweep);
  const Array kl = sweep.array("/noise/kl", 4);
  const auto numbers = static_cast<std::size_t>(starts * epsilons);
  Response found{.kl = std::vector<FiniteMean>(numbers), .ratio = std::vector<FiniteMean>(numbers)};
  for (std::int64_t q = 0; q < prompts; ++q) {
    const std::vector<double> distance = sweep.file().read_reals("/noise/distance", q, 1);
    for (std::int64_t i = 0; i < starts * epsilons; ++i) {
      const auto place = static_cast<std::size_t>(i);
      const std::int64_t m = i / epsilons, e = i % epsilons;
      for (const std::int64_t r : directions) {
        const std::int64_t first = (i * all + r) * points;
        const std::int64_t start = sweep.first_point(layers.at(static_cast<std::size_t>(m)));
        found.kl[place].add(kl.at({q, m, e, r}));
        found.ratio[place].add(distance.at(static_cast<std::size_t>(first + points - 1)) /
                               distance.at(static_cast<std::size_t>(first + start)));
      }
    }
  }
  return found;
}

/// A kind of direction and how it is drawn.
struct Kind {
  const char* label;
  Stroke stroke;
  Response response;
};

/// The kinds of direction that the sweep has.
std::vector<Kind> kinds_of(const Run& sweep) {
  const std::vector<std::string> names = sweep.file().read_texts("/direction");
  std::vector<std::int64_t> random, components;
  for (std::int64_t r = 0; r < std::ssize(names); ++r)
    (names[static_cast<std::size_t>(r)].starts_with("random") ? random : components).push_back(r);
  std::vector<Kind> kinds;
  if (!random.empty()) kinds.push_back({"random directions", Stroke::solid, response(sweep, random)});
  if (!components.empty()) kinds.push_back({"± components", Stroke::dashed, response(sweep, components)});
  return kinds;
}

/// One curve a start layer and kind of direction, over epsilon.
Panel noise_panel(const Run& sweep, const std::string& title, const std::string& quantity,
                  const std::vector<Kind>& kinds, std::vector<FiniteMean> Response::*what) {
  const std::vector<double> epsilons = sweep.reals("/epsilon");
  const std::vector<std::int64_t> layers = start_layers(sweep);
  Panel panel{.title = title,
              .x = axis_over("ε: length of the noise ÷ norm of the stream", {epsilons}, true),
              .y = {},
              .layers = {},
              .legend = Legend::above};
  std::vector<Curve> curves;
  std::vector<std::vector<double>> values;
  for (const Kind& kind : kinds) {
    const bool is_first = &kind == &kinds.front();
    std::size_t place = 0;
    for (const std::int64_t m : shown_start_layers(sweep)) {
      Curve curve{.label = "", .x = {}, .y = {}, .hue = hue_of(place), .stroke = kind.stroke, .marks = true};
      const std::string layer = concat("layer ", layers[static_cast<std::size_t>(m)]);
      // A colour a layer; of the kinds beyond the first, one entry in the legend tells how they are drawn.
      if (is_first) {
        curve.label = layer;
      } else if (place == 0) {
        curve.label = kind.label;
      }
      for (std::size_t e = 0; e < epsilons.size(); ++e) {
        // Noise without a length has no place on a logarithmic axis.
        if (!(epsilons[e] > 0)) continue;
        curve.x.push_back(epsilons[e]);
        curve.y.push_back((kind.response.*what)[static_cast<std::size_t>(m) * epsilons.size() + e].value());
      }
      ++place;
      values.push_back(curve.y);
      curves.push_back(std::move(curve));
    }
  }
  panel.y = with_few_ticks(axis_over(quantity, values, true));
  for (Curve& curve : curves) {
    curve.y = shown_on(panel.y, curve.y);
    add_drawable(panel, curve);
  }
  return panel;
}

Figure noise(const FigureInput& input) {
  const Run& sweep = *input.sweep;
  const std::vector<Kind> kinds = kinds_of(sweep);
  const std::vector<double> epsilons = sweep.reals("/epsilon");
  const std::vector<std::int64_t> layers = start_layers(sweep);
  std::string seen = concat("At ε = ", short_number(epsilons.back()), ":");
  for (const Kind& kind : kinds) {
    for (const std::int64_t m : {std::int64_t{0}, std::ssize(layers) - 1}) {
      const std::size_t place = static_cast<std::size_t>(m + 1) * epsilons.size() - 1;
      seen += concat(" ", kind.label, " at layer ", layers[static_cast<std::size_t>(m)], " ",
                     short_number(kind.response.kl[place].value()), " nats, distance × ",
                     short_number(kind.response.ratio[place].value()), ";");
    }
  }
  seen.back() = '.';
  return {.caption = concat(
              "What noise of a length relative to the stream does, by the layer at whose input it is added: "
              "divergence of the next token's distribution from the unperturbed one's, and distance to the "
              "unperturbed stream at the final point over that at the start. Means over prompts and "
              "directions: solid, random ones; dashed in the same colour, both ways along the first pooled "
              "components. Where a layer answers in proportion, the divergence of small noise grows with ε "
              "squared and the quotient of distances stays.",
              which_start_layers(sweep)),
          .seen = seen,
          .panels = {noise_panel(sweep, "Next token", "KL divergence (nats)", kinds, &Response::kl),
                     noise_panel(sweep, "Distance", "distance, end ÷ start", kinds, &Response::ratio)},
          .columns = 2,
          .width = 176,
          .height = 72};
}

// ---- Ablation ----

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

std::vector<Recipe> noise_figures() {
  return {{"noise", "Response to noise", Source::sweep, {"/noise/kl", "/noise/distance"}, noise},
          {"ablation", "Loss of heads and MLPs", Source::sweep, {"/ablation/kl_mean"}, ablation}};
}

}  // namespace orrery::report
