#include "figure_parts.hpp"
#include "figure_sets.hpp"
#include "orrery/core/concat.hpp"
#include "sweep_numbers.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::report {
namespace {

using core::concat;

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

}  // namespace

std::vector<Recipe> noise_figures() {
  return {{"noise", "Response to noise", Source::sweep, {"/noise/kl", "/noise/distance"}, noise}};
}

}  // namespace orrery::report
