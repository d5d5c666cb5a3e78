// Whether a stream that is replaced comes back: the paper's Fig. 4 and 5.
#include "figure_sets.hpp"
#include "orrery/core/concat.hpp"
#include "sweep_numbers.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::report {
namespace {

using core::concat;

// ---- Over depth ----

/// Mean over prompts of a (prompt, case, start layer, point) dataset from point `start` on.
Curve mean_path(const Run& sweep, const Array& of, std::int64_t in_case, std::int64_t m, std::int64_t start) {
  Curve curve;
  for (std::int64_t s = start; s < of.extent(3); ++s) {
    FiniteMean mean;
    for (std::int64_t q = 0; q < of.extent(0); ++q) mean.add(of.at({q, in_case, m, s}));
    curve.x.push_back(sweep.depth(static_cast<double>(s)));
    curve.y.push_back(mean.value());
  }
  return curve;
}

Panel displacement_panel(const Run& sweep, const std::string& title, const std::string& quantity,
                         const std::string& dataset) {
  const Array all = sweep.array(dataset, 4);
  const std::vector<std::string> cases = sweep.file().read_texts("/case");
  const std::vector<std::int64_t> layers = start_layers(sweep);
  std::vector<Curve> teleports, controls;
  std::vector<std::vector<double>> values;
  const auto add = [&](std::vector<Curve>& to, const char* name, Stroke stroke) {
    const auto in_case = place_of(cases, name);
    if (!in_case) return;
    for (const std::int64_t m : shown_start_layers(sweep)) {
      const std::int64_t layer = layers[static_cast<std::size_t>(m)];
      Curve curve = mean_path(sweep, all, *in_case, m, sweep.first_point(layer));
      if (stroke == Stroke::solid)
        curve.label = concat("from layer ", layer);
      else if (to.empty())
        curve.label = "random directions";
      curve.hue = hue_of(to.size());
      curve.stroke = stroke;
      values.push_back(curve.y);
      to.push_back(std::move(curve));
    }
  };
  add(teleports, "teleport", Stroke::solid);
  add(controls, "random_direction", Stroke::dashed);
  const bool is_ratio = dataset == "/recovery/ratio", is_cosine = dataset == "/recovery/cosine";
  if (is_ratio) values.push_back({0.5, 1});
  Panel panel{.title = title,
              .x = {.label = depth_label(sweep), .low = 0, .high = static_cast<double>(sweep.layers())},
              .y = is_cosine ? axis_over(quantity, values) : fitting_axis(quantity, values),
              .layers = {},
              .legend = Legend::above};
  if (is_ratio) {
    panel.layers.emplace_back(Curve{
        .label = "", .x = {0, panel.x.high}, .y = {0.5, 0.5}, .hue = Hue::grey, .stroke = Stroke::dotted});
  }
  for (std::vector<Curve>* some : {&teleports, &controls}) {
    for (Curve& curve : *some) {
      curve.y = shown_on(panel.y, curve.y);
      add_drawable(panel, curve);
    }
  }
  return panel;
}

Figure displacement(const FigureInput& input) {
  const Run& sweep = *input.sweep;
  const Array ratio = sweep.array("/recovery/ratio", 4);
  const std::vector<std::int64_t> layers = start_layers(sweep);
  const std::int64_t teleport = place_of(sweep.file().read_texts("/case"), "teleport").value_or(0);
  std::string seen = "At the final point teleports are";
  for (const std::int64_t m : shown_start_layers(sweep)) {
    const std::int64_t layer = layers[static_cast<std::size_t>(m)];
    const Curve path = mean_path(sweep, ratio, teleport, m, sweep.first_point(layer));
    seen += concat(m == 0 ? " " : ", ", short_number(path.y.back()),
                   " times as far as at the start from layer ", layer);
  }
  return {
      .caption = concat(
          "Distance of replaced streams to the unperturbed one over the points after the start: over that "
          "at the start (dotted: half of it), over the norm of the unperturbed stream, over the typical "
          "distance of two samples at the point, and the cosine of the two streams; means over teleports "
          "and prompts. Dashed in the same colour, the control: displacements as long in random "
          "directions.",
          which_start_layers(sweep)),
      .seen = seen + ".",
      .panels = {displacement_panel(sweep, "Against the start", "distance ÷ that at the start",
                                    "/recovery/ratio"),
                 displacement_panel(sweep, "Against the norm", "distance ÷ norm",
                                    "/recovery/relative_distance"),
                 displacement_panel(sweep, "Against the spread of samples", "distance ÷ spread",
                                    "/recovery/spread_distance"),
                 displacement_panel(sweep, "Direction", "cosine", "/recovery/cosine")},
      .columns = 2,
      .width = 176,
      .height = 68};
}

// ---- By start layer ----

/// A number of /summary for a case, by start layer, and its standard error where the file has one.
struct ByLayer {
  std::vector<double> value, error;
};

ByLayer measured(const Run& sweep, const std::string& name, std::int64_t in_case) {
  const Array value = sweep.array("/summary/" + name, 2);
  ByLayer found{.value = value.row({in_case}), .error = {}};
  const std::string error = "/summary/" + name + "_se";
  if (sweep.has(error)) found.error = sweep.array(error, 2).row({in_case});
  return found;
}

/// What a panel shows of /summary: `name`, over `start` where one is given.
struct Quantity {
  std::string title, label, name;
  std::string start{};
  std::optional<double> level{};  ///< drawn as a dotted line
};

ByLayer measured(const Run& sweep, const Quantity& quantity, std::int64_t in_case) {
  ByLayer found = measured(sweep, quantity.name, in_case);
  if (quantity.start.empty()) return found;
  // Start and end go up and down together, so that their errors don't give that of the quotient.
  found.error.clear();
  const ByLayer start = measured(sweep, quantity.start, in_case);
  for (std::size_t m = 0; m < found.value.size(); ++m) found.value[m] /= start.value[m];
  return found;
}

Panel recovery_panel(const Run& sweep, const Quantity& quantity) {
  const std::vector<std::string> cases = sweep.file().read_texts("/case");
  const std::vector<std::int64_t> layers = start_layers(sweep);
  const std::vector<double> x(layers.begin(), layers.end());
  std::vector<std::vector<double>> values;
  if (quantity.level) values.push_back({*quantity.level});
  std::vector<Layer> bands, curves;
  const auto add = [&](const char* name, const char* label, Hue hue, Stroke stroke) {
    const auto in_case = place_of(cases, name);
    if (!in_case) return;
    const ByLayer found = measured(sweep, quantity, *in_case);
    values.push_back(found.value);
    curves.emplace_back(
        Curve{.label = label, .x = x, .y = found.value, .hue = hue, .stroke = stroke, .marks = true});
    if (found.error.empty()) return;
    Band band{.label = "", .x = x, .low = found.value, .high = found.value, .hue = hue};
    for (std::size_t m = 0; m < x.size(); ++m) {
      const double error = std::isfinite(found.error[m]) ? found.error[m] : 0;
      // An area that goes below zero has no place on a logarithmic axis.
      if (found.value[m] > error) band.low[m] -= error;
      band.high[m] += error;
    }
    values.push_back(band.low);
    values.push_back(band.high);
    bands.emplace_back(std::move(band));
  };
  add("teleport", "teleports", Hue::blue, Stroke::solid);
  add("random_direction", "random directions", Hue::orange, Stroke::dashed);
  Panel panel{.title = quantity.title,
              .x = start_layer_axis(layers),
              .y = fitting_axis(quantity.label, values),
              .layers = {},
              .legend = Legend::above};
  if (quantity.level) {
    panel.layers.emplace_back(Curve{.label = "",
                                    .x = {panel.x.low, panel.x.high},
                                    .y = {*quantity.level, *quantity.level},
                                    .hue = Hue::grey,
                                    .stroke = Stroke::dotted});
  }
  for (const Layer& band : bands) add_drawable(panel, band);
  for (const Layer& curve : curves) add_drawable(panel, curve);
  return panel;
}

Figure recovery(const FigureInput& input) {
  const Run& sweep = *input.sweep;
  const std::vector<Quantity> quantities = {
      {"Distance", "distance, end ÷ start", "ratio_end", "", 1},
      {"Distance ÷ norm", "distance ÷ norm, end ÷ start", "relative_distance_end", "relative_distance_start",
       1},
      {"Distance ÷ spread of samples", "distance ÷ spread, end ÷ start", "spread_distance_end",
       "spread_distance_start", 1},
      {"Steps that lead back", "share of inward steps", "inward_fraction", "", 0.5},
      {"Most likely token", "share that keep it", "top1"},
      {"Next token", "KL divergence (nats)", "kl"}};
  std::vector<Panel> panels;
  for (const Quantity& quantity : quantities) panels.push_back(recovery_panel(sweep, quantity));
  const std::vector<std::int64_t> layers = start_layers(sweep);
  const std::int64_t teleport = place_of(sweep.file().read_texts("/case"), "teleport").value_or(0);
  std::string seen;
  for (const Quantity& quantity : {quantities[0], quantities[1]}) {
    const std::vector<double> value = measured(sweep, quantity, teleport).value;
    seen +=
        concat(quantity.title, " of teleports, end over start: ", short_number(value.front()), " from layer ",
               layers.front(), ", ", short_number(value.back()), " from layer ", layers.back(),
               ", below 1 from ", std::ranges::count_if(value, [](double v) { return v < 1; }), " of ",
               layers.size(), " start layers. ");
  }
  seen.pop_back();
  return {
      .caption =
          "Whether replaced streams come back, by the layer at which they were replaced; means over "
          "prompts, bands of one standard error where the file has it. Distance to the unperturbed stream "
          "at the final point over that at the start: as it is, over the stream's norm, over the typical "
          "distance of two samples. Below the dotted line, 1, the stream has come nearer; the second and "
          "third fall too where the distance stays and the streams grow. Inward: steps that lead towards "
          "the unperturbed stream more than its own does, in the first two pooled components; dotted: half "
          "of them. Then the next token. Dashed, the control: displacements as "
          "long in random directions.",
      .seen = seen,
      .panels = std::move(panels),
      .columns = 2,
      .width = 176};
}

}  // namespace

std::vector<Recipe> recovery_figures() {
  return {{"displacement",
           "Displacement over depth",
           Source::sweep,
           {"/teleport/kl", "/recovery/ratio", "/recovery/relative_distance", "/recovery/spread_distance",
            "/recovery/cosine"},
           displacement},
          {"recovery",
           "Recovery by start layer",
           Source::sweep,
           {"/teleport/kl", "/summary/ratio_end", "/summary/relative_distance_start",
            "/summary/relative_distance_end", "/summary/spread_distance_start",
            "/summary/spread_distance_end", "/summary/inward_fraction", "/summary/top1", "/summary/kl"},
           recovery}};
}

}  // namespace orrery::report
