#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/core/point_map.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace orrery::archive {

inline constexpr const char* sweep_format = "orrery-sweep";
inline constexpr std::int64_t sweep_format_version = 1;

/// The sizes of a sweep file's datasets, the coordinates and the choices that it records (science.md, section
/// 4).
struct SweepExtent {
  std::vector<std::int64_t> prompts;       ///< samples of the trace, or one's own, by number: Q
  std::vector<std::int64_t> start_layers;  ///< M
  bool own_prompts = false;                ///< `--prompts FILE`: the file has their texts
  core::PointMap point_map{};              ///< the P capture points of L layers
  std::int64_t units = 0;                  ///< D
  std::int64_t heads = 0;                  ///< H
  std::int64_t grid_side = 10;             ///< of G = grid_side² grid points
  std::int64_t components = 8;             ///< j: pooled components whose scores are kept
  std::vector<double> epsilons;            ///< E: lengths of noise, of the stream's own
  std::vector<std::string> directions;     ///< R: "random_0", …, "pc_1", "-pc_1", …
  bool teleports = true;
  bool noise = true;
  bool control = true;         ///< random_direction, the control of teleports; none without them
  bool shift = false;          ///< `--mode shift`
  bool grid_by_layer = false;  ///< `--range layer`
  bool untrained = false;      ///< `--weights random`
  std::vector<std::int64_t> ablated_layers;  ///< A; empty: no ablation
  bool ablate_to_mean = false;               ///< parts are set to their mean, not to zero
  std::vector<std::int64_t> state_prompts;   ///< of `prompts`, those whose states are stored; empty: none
  std::vector<std::int64_t> state_points;    ///< and at which points
  bool rows_float64 = false;                 ///< `--residual float64`: states are stored so

  std::int64_t points() const { return point_map.size(); }
  std::int64_t grid_points() const { return grid_side * grid_side; }
  bool has_control() const { return teleports && control; }
  bool has_states() const { return !state_prompts.empty(); }
  bool has_ablation() const { return !ablated_layers.empty(); }
  /// The kinds of perturbation that run, noise by its epsilon: "teleport", "random_direction", "noise 0.01",
  /// …: the values of `case`. Epsilons in the fewest digits that give them back.
  std::vector<std::string> cases() const;
  /// The parts of a layer that ablation takes out: "head_0", …, "mlp".
  std::vector<std::string> parts() const;
};

/// The numbers of /summary that have a standard error, in order: NAME_se stands beside NAME.
inline constexpr std::array<const char*, 11> summary_names = {"ratio_end",
                                                              "relative_distance_start",
                                                              "relative_distance_end",
                                                              "spread_distance_start",
                                                              "spread_distance_end",
                                                              "cosine_end",
                                                              "exponent",
                                                              "inward_fraction",
                                                              "halved",
                                                              "kl",
                                                              "top1"};

/// The layout of a sweep file, in the manner of `trace_layout`: what was not asked for stands in `absent`,
/// and scales that only it would use are left out. `/points` and the coordinates are filled in; the root has
/// `mode` ("plane" or "shift"), `range` ("pooled" or "layer"), `weights` ("file" or "random") and, where
/// parts are ablated, `ablate` ("zero" or "mean"); its other attributes are the caller's to add. The groups
/// /timing and /checksum wait for theirs.
Layout sweep_layout(const SweepExtent& extent);

}  // namespace orrery::archive
