#include "orrery/sweep/sweep.hpp"

#include <ATen/ops/cat.h>

#include <algorithm>

namespace orrery::sweep {

std::vector<Case> Sweep::cases() const {
  std::vector<Case> all;
  std::int64_t rows = 0;
  const auto add = [&](std::int64_t count) {
    all.push_back({"", rows, count});
    rows += count;
  };
  if (options.kinds.teleport) {
    add(grid_points());
    if (options.control == Control::random_direction) add(grid_points());
  }
  if (options.kinds.noise) {
    for (std::size_t e = 0; e < options.epsilons.size(); ++e) add(std::ssize(direction_names));
  }
  const std::vector<std::string> names = extent({0}).cases();
  for (std::size_t c = 0; c < all.size(); ++c) all[c].name = names[c];
  return all;
}

std::vector<SweepStart> Sweep::starts() const {
  std::vector<SweepStart> all;
  for (std::size_t m = 0; m < start_layers.size(); ++m)
    all.push_back({start_layers[m], false, static_cast<std::int64_t>(m)});
  for (std::size_t a = 0; a < ablated_layers.size(); ++a)
    all.push_back({ablated_layers[a], true, static_cast<std::int64_t>(a)});
  std::ranges::stable_sort(all, {}, &SweepStart::layer);
  return all;
}

std::vector<schedule::Start> Sweep::row_starts() const {
  std::int64_t rows = 0;
  for (const Case& one : cases()) rows += one.count;
  std::vector<schedule::Start> all;
  for (const SweepStart& start : starts())
    all.push_back({start.layer, start.ablates ? trace.heads + 1 : rows});
  return all;
}

at::Tensor Sweep::perturbed(std::int64_t start_layer, const at::Tensor& x) const {
  std::vector<at::Tensor> rows;
  if (options.kinds.teleport) {
    const auto& grid = grids[grids.size() == 1 ? 0 : static_cast<std::size_t>(start_layer)];
    const at::Tensor teleports = options.mode == TeleportMode::plane ? statistics::teleported(plane, grid)
                                                                     : statistics::shifted(plane, grid, x);
    rows.push_back(teleports);
    if (options.control == Control::random_direction)
      rows.push_back(statistics::turned(x, teleports, control_directions));
  }
  if (options.kinds.noise) rows.push_back(statistics::displaced(x, options.epsilons, directions));
  return at::cat(rows);
}

std::int64_t Sweep::measured_numbers() const {
  // Distance, cosine, and scores at each point; of ablations norm, velocity and cosine too; states.
  const std::int64_t states = state_prompts.empty() ? 0 : std::ssize(state_points) * trace.units;
  return points() * (2 + components.size(0) + (ablated_layers.empty() ? 0 : 3)) + states;
}

std::vector<schedule::Block> Sweep::blocks() const {
  std::vector<std::int64_t> lengths;
  for (const Prompt& prompt : prompts) lengths.push_back(std::ssize(prompt.tokens));
  return schedule::make_blocks(lengths, options.batch_tokens, row_starts(), options.batch_rows);
}

archive::SweepExtent Sweep::extent(const std::vector<std::int64_t>& places) const {
  archive::SweepExtent extent;
  for (const std::int64_t place : places) {
    const std::int64_t sample = prompts[static_cast<std::size_t>(place)].sample;
    extent.prompts.push_back(sample);
    if (std::ranges::binary_search(state_prompts, sample)) extent.state_prompts.push_back(sample);
  }
  for (const core::Layer layer : start_layers) extent.start_layers.push_back(layer.value());
  for (const core::Layer layer : ablated_layers) extent.ablated_layers.push_back(layer.value());
  if (!extent.state_prompts.empty()) {
    for (const core::Point point : state_points) extent.state_points.push_back(point.value());
  }
  extent.own_prompts = own_prompts.has_value();
  extent.point_map = trace.points;
  extent.units = trace.units;
  extent.heads = trace.heads;
  extent.grid_side = options.grid;
  extent.components = scores;
  extent.epsilons = options.epsilons;
  extent.directions = direction_names;
  extent.teleports = options.kinds.teleport;
  extent.noise = options.kinds.noise;
  extent.control = options.control == Control::random_direction;
  extent.shift = options.mode == TeleportMode::shift;
  extent.grid_by_layer = options.range == GridRange::layer;
  extent.untrained = untrained();
  extent.ablate_to_mean = options.ablation == Ablation::mean;
  extent.rows_float64 = options.residual == model::DType::float64;
  return extent;
}

bool Sweep::untrained() const {
  return options.weights == SweepWeights::random ||
         (options.weights == SweepWeights::trace && trace.untrained);
}

}  // namespace orrery::sweep
