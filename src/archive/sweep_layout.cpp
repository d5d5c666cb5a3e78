#include "orrery/archive/sweep_layout.hpp"

#include "orrery/archive/point_datasets.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/number_text.hpp"
#include "sweep_datasets.hpp"

#include <algorithm>
#include <numeric>
#include <set>

namespace orrery::archive {
namespace {

using enum ElementType;

std::vector<std::int64_t> numbers_from_0(std::int64_t count) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

/// The dimensions whose entries have a name of their own.
void add_coordinates(Layout& layout, const SweepExtent& extent) {
  const auto add = [&](const char* name, const char* long_name, ElementType type, auto values) {
    layout.scales.push_back({.name = name,
                             .length = std::ssize(values),
                             .long_name = long_name,
                             .values = std::move(values),
                             .type = type});
  };
  add("prompt",
      extent.own_prompts ? "prompt of one's own, by its number in the prompts file"
                         : "sample of the trace, by its number there",
      int64, extent.prompts);
  add("start_layer", "decoder layer l at whose input, point s0 = 2 l, a stream is replaced", int32,
      extent.start_layers);
  add("grid_point", "point of the grid of teleports, the first component fastest", int32,
      numbers_from_0(extent.grid_points()));
  add("plane_axis", "axis of the plane of teleports: pooled principal component", text,
      std::vector<std::string>{"pc_1", "pc_2"});
  add("epsilon", "length of the noise over that of the stream", float64, extent.epsilons);
  add("direction", "direction of the noise: uniform on the sphere, or along a pooled principal component",
      text, extent.directions);
  add("case", "kind of perturbation; noise by its epsilon", text, extent.cases());
  add("state_prompt",
      extent.own_prompts ? "prompt of one's own whose streams are stored, by its number in the prompts file"
                         : "sample of the trace whose streams are stored, by its number there",
      int64, extent.state_prompts);
  add("state_point", "capture point s at which streams are stored", int32, extent.state_points);
  add("ablated_layer", "decoder layer a part of which is ablated", int32, extent.ablated_layers);
  add("part", "part of a layer: an attention head's or the MLP's contribution to the stream", text,
      extent.parts());
}

void add_scales(Layout& layout, const SweepExtent& extent) {
  add_coordinates(layout, extent);
  const auto add = [&](const char* name, std::int64_t length, const char* long_name) {
    layout.scales.push_back({.name = name, .length = length, .long_name = long_name});
  };
  add("component", extent.components, "pooled principal component of the trace");
  layout.scales.push_back(counted_scale("point", extent.points(), "capture point s of the residual stream"));
  layout.scales.push_back(counted_scale("step", extent.points() - 1, "step from capture point s to s + 1"));
  add("unit", extent.units, "unit d of the residual stream");
}

void leave_out_not_asked_for(Layout& layout, const SweepExtent& extent) {
  const auto leave = [&](const std::string& reason, std::initializer_list<const char*> paths) {
    for (const char* path : paths) leave_out(layout, path, reason);
  };
  if (!extent.has_states()) leave("streams are not stored", {"/states"});
  if (!extent.teleports) {
    leave("no teleports were asked for", {"/teleport", "/control/random_direction", "/recovery/half_life",
                                          "/states/teleport", "/states/random_direction"});
  }
  if (!extent.has_control())
    leave("the control was not asked for", {"/control/random_direction", "/states/random_direction"});
  if (!extent.noise)
    leave("no noise was asked for", {"/noise", "/recovery/noise_half_life", "/states/noise"});
  if (extent.cases().empty())
    leave("no perturbations were asked for",
          {"/recovery", "/summary", "/baseline/score_beside", "/states/unperturbed"});
  if (!extent.has_ablation()) leave("no ablation was asked for", {"/ablation"});
}

void drop_unused_scales(Layout& layout) {
  std::set<std::string> used;
  for (const Dataset& dataset : layout.datasets)
    used.insert(dataset.dimensions.begin(), dataset.dimensions.end());
  std::erase_if(layout.scales, [&](const Scale& scale) { return !used.contains(scale.name); });
}

bool all_below(const std::vector<std::int64_t>& numbers, std::int64_t end) {
  return std::ranges::all_of(numbers, [&](std::int64_t number) { return number >= 0 && number < end; });
}

void check_extent(const SweepExtent& extent) {
  const bool perturbs = extent.teleports || extent.noise;
  const bool sizes = !extent.prompts.empty() && extent.point_map.layers() >= 1 && extent.units >= 1 &&
                     extent.components >= 0;
  const bool kinds = (perturbs || extent.has_ablation()) && !(perturbs && extent.start_layers.empty()) &&
                     !(extent.teleports && extent.grid_side < 1) &&
                     !(extent.noise && (extent.epsilons.empty() || extent.directions.empty())) &&
                     !(extent.has_ablation() && extent.heads < 1);
  const bool inside = all_below(extent.start_layers, extent.point_map.layers()) &&
                      all_below(extent.ablated_layers, extent.point_map.layers()) &&
                      all_below(extent.state_points, extent.points());
  const bool states = std::ranges::all_of(
      extent.state_prompts, [&](std::int64_t n) { return std::ranges::count(extent.prompts, n) == 1; });
  if (sizes && kinds && inside && states && extent.has_states() == !extent.state_points.empty()) return;
  throw core::internal_error(
      "no sweep has such sizes",
      core::concat(extent.prompts.size(), " prompts, ", extent.start_layers.size(), " start layers of ",
                   extent.point_map.layers(), ", ", extent.grid_side, " grid points a side, ",
                   extent.epsilons.size(), " epsilons, ", extent.directions.size(), " directions, ",
                   extent.ablated_layers.size(), " ablated layers, states of ", extent.state_prompts.size(),
                   " prompts at ", extent.state_points.size(), " points"),
      "please report it with the command line");
}

}  // namespace

std::vector<std::string> SweepExtent::cases() const {
  std::vector<std::string> names;
  if (teleports) names.emplace_back("teleport");
  if (has_control()) names.emplace_back("random_direction");
  if (!noise) return names;
  for (const double epsilon : epsilons) {
    names.push_back("noise " + core::number_text(epsilon));
  }
  return names;
}

std::vector<std::string> SweepExtent::parts() const {
  std::vector<std::string> names;
  for (std::int64_t head = 0; head < heads; ++head) names.push_back(core::concat("head_", head));
  names.emplace_back("mlp");
  return names;
}

Layout sweep_layout(const SweepExtent& extent) {
  check_extent(extent);
  Layout layout{.format = sweep_format, .format_version = sweep_format_version};
  layout.groups = {"/timing", "/checksum"};
  layout.attributes = {{"/", "mode", extent.shift ? "shift" : "plane"},
                       {"/", "range", extent.grid_by_layer ? "layer" : "pooled"},
                       {"/", "weights", extent.untrained ? "random" : "file"}};
  if (extent.has_ablation())
    layout.attributes.push_back({"/", "ablate", extent.ablate_to_mean ? "mean" : "zero"});
  add_scales(layout, extent);
  add_points(layout, extent.point_map);
  add_prompts(layout, extent);
  add_perturbations(layout, extent);
  add_recovery(layout);
  add_ablation(layout, extent);
  add_states(layout, extent);
  leave_out_not_asked_for(layout, extent);
  leave_out_empty(layout);
  drop_unused_scales(layout);
  return layout;
}

}  // namespace orrery::archive
