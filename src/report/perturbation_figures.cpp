// What becomes of a stream that is replaced: the paper's Fig. 4 and 5.
#include "figure_parts.hpp"
#include "figure_sets.hpp"
#include "orrery/core/concat.hpp"
#include "sweep_numbers.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::report {
namespace {

using core::concat;

/// By how much the axes of a flow may exceed its grid to hold the whole unperturbed path.
constexpr double most_room = 4;

/// Prompts that a map shows as dots.
constexpr std::int64_t most_prompts = 200;

const char* const first_axis = "score in pooled component 1";
const char* const second_axis = "score in pooled component 2";

/// The grid of teleports, the first component fastest.
class Grid {
 public:
  explicit Grid(const Run& sweep)
      : values_(sweep.reals("/teleport/grid")),
        shape_(sweep.file().info("/teleport/grid").shape),
        points_(shape_.at(shape_.size() - 2)),
        side_(std::llround(std::sqrt(static_cast<double>(points_)))) {}

  std::int64_t points() const { return points_; }
  std::int64_t side() const { return side_; }
  /// Score `axis` (0 or 1) of grid point g of start layer m.
  double at(std::int64_t m, std::int64_t g, std::int64_t axis) const {
    const std::int64_t first = shape_.size() == 3 ? m * points_ : 0;
    return values_.at(static_cast<std::size_t>((first + g) * 2 + axis));
  }
  /// The scores along one axis.
  std::vector<double> along(std::int64_t m, std::int64_t axis) const {
    std::vector<double> scores;
    for (std::int64_t i = 0; i < side_; ++i) scores.push_back(at(m, axis == 0 ? i : i * side_, axis));
    return scores;
  }
  /// From one grid point to the next; 0 where there is but one.
  double spacing(std::int64_t m, std::int64_t axis) const {
    return side_ < 2 ? 0 : at(m, axis == 0 ? 1 : side_, axis) - at(m, 0, axis);
  }

 private:
  std::vector<double> values_;
  std::vector<std::int64_t> shape_;
  std::int64_t points_, side_;
};

/// One panel a start layer, side by side two by two.
Figure of_panels(std::vector<Panel> panels, double height) {
  const int columns = panels.size() > 1 ? 2 : 1;
  return {.caption = "",
          .seen = "",
          .panels = std::move(panels),
          .columns = columns,
          .width = columns == 2 ? 176.0 : 85.0,
          .height = height};
}

// ---- Flow ----

/// Means over prompts of the flow of teleports over the first layer after start layer m, by grid point.
struct Flow {
  std::vector<double> dx, dy, length;
};

/// The flow from each of the start layers at `places`. Reads a prompt at a time: all may be gigabytes.
std::vector<Flow> mean_flows(const Run& sweep, const std::vector<std::int64_t>& places) {
  const std::vector<std::int64_t>& shape = sweep.file().info("/teleport/score").shape;
  const std::int64_t prompts = shape.at(0), grid = shape.at(2), points = shape.at(3), scores = shape.at(4);
  const std::vector<std::int64_t> layers = start_layers(sweep);
  std::vector<FiniteMean> means(places.size() * static_cast<std::size_t>(grid) * 2);
  for (std::int64_t q = 0; q < prompts; ++q) {
    const std::vector<double> z = sweep.file().read_reals("/teleport/score", q, 1);
    std::size_t next = 0;
    for (const std::int64_t m : places) {
      const std::int64_t layer = layers.at(static_cast<std::size_t>(m));
      const std::int64_t start = sweep.first_point(layer);
      const std::int64_t moved = (sweep.first_point(layer + 1) - start) * scores;
      for (std::int64_t g = 0; g < grid; ++g) {
        for (std::int64_t axis = 0; axis < 2; ++axis) {
          const auto from = static_cast<std::size_t>(((m * grid + g) * points + start) * scores + axis);
          means[next++].add(z.at(from + static_cast<std::size_t>(moved)) - z.at(from));
        }
      }
    }
  }
  std::vector<Flow> flows(places.size());
  for (std::size_t i = 0; i < means.size(); i += 2) {
    Flow& flow = flows[i / (2 * static_cast<std::size_t>(grid))];
    flow.dx.push_back(means[i].value());
    flow.dy.push_back(means[i + 1].value());
    flow.length.push_back(std::hypot(flow.dx.back(), flow.dy.back()));
  }
  return flows;
}

/// By how much arrows are lengthened so that the longest leads to the next grid point.
double arrow_factor(const Grid& grid, std::int64_t m, const Flow& flow) {
  double most = 0;
  for (std::size_t g = 0; g < flow.dx.size(); ++g) {
    most = std::max(
        {most, std::abs(flow.dx[g]) / grid.spacing(m, 0), std::abs(flow.dy[g]) / grid.spacing(m, 1)});
  }
  return most > 0 && std::isfinite(most) ? 1 / most : 1;
}

Arrows arrows_of(const Grid& grid, std::int64_t m, const Flow& flow, double factor) {
  Arrows arrows;
  for (std::size_t g = 0; g < flow.dx.size(); ++g) {
    // One without a length has no colour on a logarithmic scale.
    if (!(flow.length[g] > 0)) continue;
    arrows.x.push_back(grid.at(m, static_cast<std::int64_t>(g), 0));
    arrows.y.push_back(grid.at(m, static_cast<std::int64_t>(g), 1));
    arrows.dx.push_back(factor * flow.dx[g]);
    arrows.dy.push_back(factor * flow.dy[g]);
    arrows.value.push_back(flow.length[g]);
  }
  return arrows;
}

/// The mean over prompts of the unperturbed stream's scores from point `start` on.
Curve unperturbed(const Array& score, std::int64_t start) {
  Curve curve{.label = "unperturbed", .x = {}, .y = {}};
  for (std::int64_t s = start; s < score.extent(1); ++s) {
    FiniteMean x, y;
    for (std::int64_t q = 0; q < score.extent(0); ++q) {
      x.add(score.at({q, s, 0}));
      y.add(score.at({q, s, 1}));
    }
    curve.x.push_back(x.value());
    curve.y.push_back(y.value());
  }
  return curve;
}

/// From the least to the greatest of these.
double extent_of(const std::vector<std::vector<double>>& values) {
  const Axis axis = axis_over("", values);
  return axis.high - axis.low;
}

Panel flow_panel(const Run& sweep, const Grid& grid, std::int64_t m, const Flow& flow, const Axis& colours) {
  const std::int64_t layer = start_layers(sweep).at(static_cast<std::size_t>(m));
  const double factor = arrow_factor(grid, m, flow);
  const Arrows arrows = arrows_of(grid, m, flow, factor);
  const Curve path = unperturbed(sweep.array("/baseline/score", 3), sweep.first_point(layer));
  Panel panel{.title = concat("From layer ", layer, ", arrows × ", short_number(factor)),
              .x = {},
              .y = {},
              .layers = {},
              .colour = ColourBar{colours},
              .legend = Legend::above};
  std::vector<double> x = arrows.x, y = arrows.y;
  for (std::size_t i = 0; i < arrows.x.size(); ++i) {
    x.push_back(arrows.x[i] + arrows.dx[i]);
    y.push_back(arrows.y[i] + arrows.dy[i]);
  }
  // A path that leads far away would leave the grid too small to be seen.
  const bool is_near = extent_of({x, path.x}) <= most_room * extent_of({x}) &&
                       extent_of({y, path.y}) <= most_room * extent_of({y});
  if (is_near || grid.side() < 2) {
    x.insert(x.end(), path.x.begin(), path.x.end());
    y.insert(y.end(), path.y.begin(), path.y.end());
  }
  panel.x = with_few_ticks(axis_over(first_axis, {x}));
  panel.y = axis_over(second_axis, {y});
  add_drawable(panel, arrows);
  add_drawable(panel, path);
  add_drawable(panel, Curve{.label = "its start",
                            .x = {path.x.front()},
                            .y = {path.y.front()},
                            .hue = Hue::vermilion,
                            .stroke = std::nullopt,
                            .width = 4});
  return panel;
}

Figure flow_field(const FigureInput& input) {
  const Run& sweep = *input.sweep;
  // The plane has two axes.
  if (sweep.file().info("/teleport/score").shape.at(4) < 2) {
    return {.caption = "The sweep keeps the scores of one component: there is no plane to draw.",
            .seen = "Nothing is drawn.",
            .panels = {Panel{}}};
  }
  const Grid grid(sweep);
  const std::vector<std::int64_t> layers = start_layers(sweep);
  const std::vector<std::int64_t> places = shown_start_layers(sweep);
  const std::vector<Flow> flows = mean_flows(sweep, places);
  std::vector<std::vector<double>> lengths;
  for (const Flow& flow : flows) lengths.push_back(flow.length);
  const Axis colours = colour_axis("length of the mean flow", lengths);
  std::vector<Panel> panels;
  std::string seen = "Longest mean flow:";
  for (std::size_t i = 0; i < places.size(); ++i) {
    panels.push_back(flow_panel(sweep, grid, places[i], flows[i], colours));
    const std::vector<double>& length = flows[i].length;
    seen += concat(i == 0 ? " " : ", ", short_number(*std::ranges::max_element(length)), " from layer ",
                   layers[static_cast<std::size_t>(places[i])]);
  }
  Figure figure = of_panels(std::move(panels), 68);
  figure.caption = concat(
      "Where streams go that are put onto a grid in the plane of the first two pooled components: an arrow "
      "shows the move over the first layer after the start, mean over prompts. Arrows of a panel are "
      "lengthened by the factor in its title, so that the longest reaches the next grid point; their colour "
      "is the length before that. Black: the unperturbed streams from the same point on, mean over prompts, "
      "cut off where it leads far from the grid.",
      which_start_layers(sweep));
  figure.seen = seen + ".";
  return figure;
}

// ---- KL over the grid ----

/// The mean over prompts of the divergence at each grid point of start layer m.
std::vector<double> mean_divergence(const Array& kl, std::int64_t m) {
  std::vector<double> means;
  for (std::int64_t g = 0; g < kl.extent(2); ++g) {
    FiniteMean mean;
    for (std::int64_t q = 0; q < kl.extent(0); ++q) mean.add(kl.at({q, m, g}));
    means.push_back(mean.value());
  }
  return means;
}

/// The scores of the prompts' unperturbed streams at a point, some of them where they are many.
Curve prompts_at(const Array& score, std::int64_t point) {
  Curve dots{.label = "prompts, unperturbed", .x = {}, .y = {}, .stroke = std::nullopt};
  for (const std::int64_t q : spread_places(score.extent(0), most_prompts)) {
    dots.x.push_back(score.at({q, point, 0}));
    dots.y.push_back(score.at({q, point, 1}));
  }
  return dots;
}

/// The grid's range and half a cell around it.
Axis grid_axis(const std::string& label, const Grid& grid, std::int64_t m, std::int64_t axis) {
  const std::vector<double> scores = grid.along(m, axis);
  const double half = grid.spacing(m, axis) / 2;
  if (!(half > 0)) return axis_over(label, {scores});
  return {.label = label, .low = scores.front() - half, .high = scores.back() + half};
}

Figure kl_map(const FigureInput& input) {
  const Run& sweep = *input.sweep;
  const Grid grid(sweep);
  const Array kl = sweep.array("/teleport/kl", 3), score = sweep.array("/baseline/score", 3);
  const std::vector<std::int64_t> layers = start_layers(sweep);
  const std::vector<std::int64_t> places = shown_start_layers(sweep);
  std::vector<std::vector<double>> means;
  for (const std::int64_t m : places) means.push_back(mean_divergence(kl, m));
  const Axis colours = colour_axis("mean KL divergence (nats)", means);
  std::vector<Panel> panels;
  std::string seen = "Mean divergence over the grid:";
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::int64_t m = places[i], layer = layers[static_cast<std::size_t>(m)];
    Panel panel{.title = concat("Teleports at layer ", layer),
                .x = with_few_ticks(grid_axis(first_axis, grid, m, 0)),
                .y = grid_axis(second_axis, grid, m, 1),
                .layers = {},
                .colour = ColourBar{colours},
                .legend = Legend::above};
    add_drawable(panel, map_or_dots({grid.along(m, 0), grid.along(m, 1), shown_on(colours, means[i])}));
    if (score.extent(2) > 1) add_drawable(panel, prompts_at(score, sweep.first_point(layer)));
    panels.push_back(std::move(panel));
    const auto [least, greatest] = std::ranges::minmax(means[i]);
    seen += concat(i == 0 ? " " : ", ", short_number(least), " to ", short_number(greatest),
                   " nats at layer ", layer);
  }
  Figure figure = of_panels(std::move(panels), 66);
  figure.caption = concat(
      "How far the next token's distribution is from the unperturbed one's after a teleport to each point of "
      "the grid in the first two pooled components: mean over prompts, one colour scale for all panels, 0 "
      "left white where it is logarithmic. Dots: the prompts' unperturbed streams at that point",
      score.extent(0) > most_prompts ? concat(", ", most_prompts, " of ", score.extent(0)) : "", ".",
      which_start_layers(sweep));
  figure.seen = seen + ".";
  return figure;
}

}  // namespace

std::vector<Recipe> perturbation_figures() {
  std::vector<Recipe> figures = {{"flow_field",
                                  "Flow of teleported streams",
                                  Source::sweep,
                                  {"/teleport/score", "/teleport/grid", "/baseline/score"},
                                  flow_field}};
  for (const Recipe& recipe : recovery_figures()) figures.push_back(recipe);
  figures.push_back({"kl_map",
                     "Next token over the grid",
                     Source::sweep,
                     {"/teleport/kl", "/teleport/grid", "/baseline/score"},
                     kl_map});
  return figures;
}

}  // namespace orrery::report
