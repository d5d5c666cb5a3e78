#include "sweep_datasets.hpp"

#include <algorithm>

namespace orrery::archive {
namespace {

using enum ElementType;
using Names = std::vector<std::string>;

constexpr const char* before_start = "before the start layer's point s0";
constexpr const char* before_layer = "before the ablated layer's point 2 l";
// Rounding may carry a divergence of equal outputs below 0, and a cosine of float32 streams beyond 1.
constexpr core::Range divergence_range{0, core::infinity, 1e-9};
constexpr core::Range cosine_of_float32{-1, 1, 1e-5};
constexpr core::Range difference_of_cosines{-2, 2, 1e-5};

constexpr const char* beyond_rank = "beyond the rank of the trace's components";

Names with(Names names, const Names& more) {
  names.insert(names.end(), more.begin(), more.end());
  return names;
}

/// A group of streams x', one for each entry of `dimensions`, that run on beside an unperturbed x.
struct Perturbed {
  std::string group;
  Names dimensions;
  std::string what;  ///< what x' is
};

const Names grid_dimensions = {"prompt", "start_layer", "grid_point"};
const Names noise_dimensions = {"prompt", "start_layer", "epsilon", "direction"};

/// Distance, cosine and the next token of streams x' against the unperturbed ones.
void add_perturbed(Layout& layout, const Perturbed& streams) {
  const Names by_point = with(streams.dimensions, {"point"});
  const std::string of = "; x': " + streams.what;
  layout.datasets.push_back(
      {.path = streams.group + "/distance",
       .type = float32,
       .dimensions = by_point,
       .long_name = "d[s]: Euclidean norm of x'[s] - x[s], x the unperturbed stream" + of,
       .nan_where = before_start,
       .range = core::not_negative,
       .beginning = Beginning::at_start});
  layout.datasets.push_back({.path = streams.group + "/cosine",
                             .type = float32,
                             .dimensions = by_point,
                             .long_name = "cos(x'[s], x[s]), x the unperturbed stream" + of,
                             .nan_where = std::string(before_start) + "; either stream is 0",
                             .range = cosine_of_float32,
                             .beginning = Beginning::with_gaps});
  layout.datasets.push_back(
      {.path = streams.group + "/kl",
       .dimensions = streams.dimensions,
       .long_name = "Kullback-Leibler divergence sum p log(p / p') of the next token, p "
                    "after the unperturbed stream, p' after x'" +
                    of,
       .units = "nat",
       .range = divergence_range});
  layout.datasets.push_back(
      {.path = streams.group + "/top1",
       .type = uint8,
       .dimensions = streams.dimensions,
       .long_name = "1 where the most likely next token after x' is that after the unperturbed stream" + of,
       .range = core::share_range});
}

std::string teleport_rule(const SweepExtent& extent) {
  return extent.shift ? "at s0 x + V (z - z0), V the first two pooled components, z a grid point, z0 the "
                        "scores of x[s0]"
                      : "at s0 mean + V z, V the first two pooled components, z a grid point, mean that of "
                        "the pooled rows";
}

const char* const control_rule =
    "at s0 x + |v| u, v the displacement of the teleport to that grid point, u a random unit vector, uniform "
    "on the sphere";

const char* const noise_rule = "at s0 x + epsilon |x| u, u the unit vector of the direction";

void add_half_life(Layout& layout, const std::string& path, const Names& dimensions,
                   const std::string& what) {
  layout.datasets.push_back(
      {.path = path,
       .dimensions = dimensions,
       .long_name = "half-life of d: the least s - s0 with d[s] <= d[s0] / 2, log d linear between points; "
                    "x': " +
                    what,
       .units = "point",
       .nan_where = "d[s0] is 0",
       .infinite_where = "d never halves",
       .range = core::not_negative});
}

/// Means over the perturbations of a case, point by point and step by step.
void add_recovery_paths(Layout& layout) {
  const auto add = [&](const char* name, const char* step_or_point, const std::string& long_name,
                       const std::string& nan_where, const std::optional<core::Range>& range) {
    layout.datasets.push_back({.path = std::string("/recovery/") + name,
                               .dimensions = {"prompt", "case", "start_layer", step_or_point},
                               .long_name = long_name,
                               .nan_where = std::string(before_start) + nan_where,
                               .range = range,
                               .beginning = nan_where.empty() ? Beginning::at_start : Beginning::with_gaps});
  };
  const std::string mean = "mean over the case's perturbations of ";
  add("ratio", "point",
      mean + "d[s] / d[s0], d the distance to the unperturbed stream; those with d[s0] = 0 are left out",
      "; d[s0] is 0 for each of them", core::not_negative);
  add("relative_distance", "point", mean + "d[s] over the norm of the unperturbed stream x[s]", "; x[s] is 0",
      core::not_negative);
  add("spread_distance", "point",
      mean + "d[s] / sqrt(2 tr C_s): over the typical distance of two rows of the trace at s",
      "; the trace's rows at s are equal, or there is one", core::not_negative);
  add("cosine", "point", mean + "cos(x'[s], x[s]); those in which either is 0 are left out",
      "; one of the two is 0 for each of them", cosine_of_float32);
  add("exponent", "step", mean + "log(d[s+1] / d[s]); those in which either distance is 0 are left out",
      "; a distance is 0 for each of them", std::nullopt);
  add("inward_fraction", "step",
      "share of the case's perturbations with ((z'[s+1] - z'[s]) - (z[s+1] - z[s])) . (z[s] - z'[s]) > 0, z "
      "and z' the scores of x and x' in the first two pooled components",
      "", core::share_range);
}

/// One number for each case and start layer.
void add_recovery_numbers(Layout& layout) {
  const auto add = [&](const char* name, const char* long_name, const core::Range& range) -> Dataset& {
    layout.datasets.push_back({.path = std::string("/recovery/") + name,
                               .dimensions = {"prompt", "case", "start_layer"},
                               .long_name = long_name,
                               .range = range});
    return layout.datasets.back();
  };
  add("halved",
      "share of the case's perturbations with d[s] <= d[s0] / 2 at some later s; those with d[s0] = 0 are "
      "left out",
      core::share_range)
      .nan_where = "d[s0] is 0 for each of them";
  Dataset& median = add("half_life_median",
                        "median over the case's perturbations of the half-life, the lower of the two middle "
                        "ones of an even number; those with d[s0] = 0 are left out",
                        core::not_negative);
  median.units = "point";
  median.nan_where = "d[s0] is 0 for each of them";
  median.infinite_where = "the middle one never halves";
  add("kl", "mean over the case's perturbations of the divergence of the next token", divergence_range)
      .units = "nat";
  add("top1", "share of the case's perturbations that leave the most likely next token", core::share_range);
}

struct Summary {
  const char* name;
  const char* what;
  const char* units = "1";
};

/// As many as `summary_names`, in that order.
constexpr std::array<Summary, summary_names.size()> summaries = {{
    {"ratio_end", "ratio at the final point"},
    {"relative_distance_start", "relative_distance at s0"},
    {"relative_distance_end", "relative_distance at the final point"},
    {"spread_distance_start", "spread_distance at s0"},
    {"spread_distance_end", "spread_distance at the final point"},
    {"cosine_end", "cosine at the final point"},
    {"exponent", "the mean of exponent over the steps from s0 on that have one"},
    {"inward_fraction", "the mean of inward_fraction over the steps from s0 on"},
    {"halved", "halved"},
    {"kl", "kl", "nat"},
    {"top1", "top1"},
}};

void add_summary(Layout& layout) {
  const auto add = [&](const std::string& name, const std::string& long_name, const char* units) -> Dataset& {
    layout.datasets.push_back({.path = "/summary/" + name,
                               .dimensions = {"case", "start_layer"},
                               .long_name = long_name,
                               .units = units});
    return layout.datasets.back();
  };
  for (const Summary& one : summaries) {
    const std::string of = std::string(one.what) + " of /recovery; prompts without are left out";
    add(one.name, "mean over prompts of " + of, one.units).nan_where = "no prompt has one";
    add(std::string(one.name) + "_se",
        "standard error of the mean over prompts, std / sqrt(Q) with divisor Q - 1, of " + of, one.units)
        .nan_where = "fewer than two prompts have one";
  }
  Dataset& median = add("half_life_median",
                        "median over prompts of /recovery/half_life_median, the lower of the two middle ones "
                        "of an even number; prompts without are left out",
                        "point");
  median.nan_where = "no prompt has one";
  median.infinite_where = "the middle one never halves";
}

/// What ablation changes along the stream: by prompt and, where `mean_name` says so, their mean over prompts.
void add_ablated_path(Layout& layout, const char* name, const char* mean_name, const char* step_or_point,
                      const std::string& long_name, const std::string& nan_where,
                      const std::optional<core::Range>& range) {
  const Beginning beginning = nan_where.empty() ? Beginning::at_start : Beginning::with_gaps;
  const Names dimensions = {"ablated_layer", "part", step_or_point};
  layout.datasets.push_back({.path = std::string("/ablation/") + name,
                             .type = float32,
                             .dimensions = with({"prompt"}, dimensions),
                             .long_name = long_name,
                             .nan_where = before_layer + nan_where,
                             .range = range,
                             .beginning = beginning});
  if (mean_name == nullptr) return;
  layout.datasets.push_back(
      {.path = std::string("/ablation/") + mean_name,
       .dimensions = dimensions,
       .long_name =
           "mean over prompts of " + long_name + (nan_where.empty() ? "" : "; prompts without are left out"),
       .nan_where = std::string(before_layer) + (nan_where.empty() ? "" : "; no prompt has one"),
       .range = range,
       .beginning = beginning});
}

}  // namespace

void add_prompts(Layout& layout, const SweepExtent& extent) {
  layout.datasets.push_back(
      {.path = "/points/spread",
       .dimensions = {"point"},
       .long_name = "sqrt(2 tr C_s), C_s the covariance of the trace's rows at s, divisor N - 1: root mean "
                    "square of the distance of two rows",
       .nan_where = "the trace has one row",
       .range = core::not_negative});
  const auto add = [&](const char* path, ElementType type, const char* long_name,
                       const std::optional<core::Range>& range) {
    layout.datasets.push_back(
        {.path = path, .type = type, .dimensions = {"prompt"}, .long_name = long_name, .range = range});
  };
  add("/prompts/row", int64,
      extent.own_prompts ? "line of the prompts file, counted from 0"
                         : "line of the corpus that the prompt was taken from, counted from 0",
      core::not_negative);
  if (extent.own_prompts) add("/prompts/text", text, "the prompt, without special tokens", std::nullopt);
  add("/prompts/length", int64,
      "tokens that run, BOS counted; the stream of the last of them is the one perturbed",
      core::Range{.least = 1});
  add("/baseline/next_token", int32, "most likely next token after the unperturbed stream",
      core::not_negative);
  layout.datasets.push_back({.path = "/baseline/score",
                             .type = float32,
                             .dimensions = {"prompt", "point", "component"},
                             .long_name = "z[s,j] = component[j] . (x[s] - mean), x the unperturbed stream, "
                                          "in the trace's pooled components",
                             .nan_where = beyond_rank});
  layout.datasets.push_back({.path = "/baseline/score_beside",
                             .type = float32,
                             .dimensions = {"prompt", "start_layer", "point", "component"},
                             .long_name =
                                 "z[s,j] of the unperturbed stream as it ran beside the perturbed ones from "
                                 "the start layer on: what inward shares are taken against",
                             .nan_where = std::string(before_start) + ", and " + beyond_rank,
                             .beginning = Beginning::with_gaps});
  layout.datasets.push_back({.path = "/baseline/norm",
                             .type = float32,
                             .dimensions = {"prompt", "point"},
                             .long_name = "Euclidean norm of x[s], x the unperturbed stream",
                             .range = core::not_negative});
}

void add_perturbations(Layout& layout, const SweepExtent& extent) {
  const std::string rule = teleport_rule(extent);
  layout.datasets.push_back(
      {.path = "/teleport/grid",
       .dimensions = extent.grid_by_layer ? Names{"start_layer", "grid_point", "plane_axis"}
                                          : Names{"grid_point", "plane_axis"},
       .long_name = std::string("scores of the grid's points in the first two pooled components, over the "
                                "widened range of the trace's rows ") +
                    (extent.grid_by_layer ? "at s0" : "at all points but the final one")});
  layout.datasets.push_back(
      {.path = "/teleport/score",
       .type = float32,
       .dimensions = with(grid_dimensions, {"point", "component"}),
       .long_name = "z'[s,j] = component[j] . (x'[s] - mean), in the trace's pooled components; x': " + rule,
       .nan_where = std::string(before_start) + "; " + beyond_rank,
       .beginning = Beginning::with_gaps});
  add_perturbed(layout, {"/teleport", grid_dimensions, rule});
  add_perturbed(layout, {"/noise", noise_dimensions, noise_rule});
  add_perturbed(layout, {"/control/random_direction", grid_dimensions, control_rule});
}

void add_recovery(Layout& layout) {
  add_half_life(layout, "/recovery/half_life", grid_dimensions, "teleports");
  add_half_life(layout, "/recovery/noise_half_life", noise_dimensions, "noise");
  add_half_life(layout, "/control/random_direction/half_life", grid_dimensions, control_rule);
  add_recovery_paths(layout);
  add_recovery_numbers(layout);
  add_summary(layout);
}

void add_ablation(Layout& layout, const SweepExtent& extent) {
  const Names dimensions = {"prompt", "ablated_layer", "part"};
  const std::string of = std::string("; x': the part's contribution to the last token's stream set to ") +
                         (extent.ablate_to_mean ? "its mean over samples" : "0");
  const std::string divergence =
      "Kullback-Leibler divergence sum p log(p / p') of the next token, p after the unperturbed stream, p' "
      "after x'" +
      of;
  layout.datasets.push_back({.path = "/ablation/kl",
                             .dimensions = dimensions,
                             .long_name = divergence,
                             .units = "nat",
                             .range = divergence_range});
  layout.datasets.push_back(
      {.path = "/ablation/top1",
       .type = uint8,
       .dimensions = dimensions,
       .long_name = "1 where the most likely next token after x' is that after the unperturbed stream" + of,
       .range = core::share_range});
  layout.datasets.push_back({.path = "/ablation/kl_mean",
                             .dimensions = {"ablated_layer", "part"},
                             .long_name = "mean over prompts of the " + divergence,
                             .units = "nat",
                             .range = divergence_range});
  add_ablated_path(layout, "distance", nullptr, "point",
                   "the Euclidean norm of x'[s] - x[s], x the unperturbed stream" + of, "",
                   core::not_negative);
  add_ablated_path(layout, "norm", "norm_mean", "point",
                   "the Euclidean norm of x'[s] less that of x[s], x the unperturbed stream" + of, "",
                   std::nullopt);
  add_ablated_path(layout, "velocity", "velocity_mean", "step",
                   "the Euclidean norm of x'[s+1] - x'[s] less that of x[s+1] - x[s], x the unperturbed "
                   "stream" +
                       of,
                   "", std::nullopt);
  add_ablated_path(layout, "cosine", "cosine_mean", "step",
                   "cos(x'[s], x'[s+1]) less cos(x[s], x[s+1]), x the unperturbed stream" + of,
                   "; a stream is 0", difference_of_cosines);
}

void add_states(Layout& layout, const SweepExtent& extent) {
  const auto add = [&](const char* name, const Names& chosen, const std::string& long_name,
                       const char* nan_where) {
    layout.datasets.push_back({.path = std::string("/states/") + name,
                               .type = extent.rows_float64 ? float64 : float32,
                               .dimensions = with(with({"state_prompt"}, chosen), {"state_point", "unit"}),
                               .long_name = long_name,
                               .nan_where = nan_where,
                               .beginning = *nan_where == '\0' ? Beginning::none : Beginning::at_start});
  };
  add("baseline", {}, "the unperturbed stream x[s,d], before any norm", "");
  add("unperturbed", {"start_layer"},
      "the same, as it ran beside the perturbed ones from the start layer on: what distances are taken to",
      before_start);
  const Names grid(grid_dimensions.begin() + 1, grid_dimensions.end());
  add("teleport", grid, "the stream x'[s,d]: " + teleport_rule(extent), before_start);
  add("random_direction", grid, std::string("the stream x'[s,d]: ") + control_rule, before_start);
  add("noise", {noise_dimensions.begin() + 1, noise_dimensions.end()},
      std::string("the stream x'[s,d]: ") + noise_rule, before_start);
}

}  // namespace orrery::archive
