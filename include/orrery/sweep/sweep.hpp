#pragma once

#include "orrery/archive/sweep_layout.hpp"
#include "orrery/core/index.hpp"
#include "orrery/core/point_map.hpp"
#include "orrery/model/description.hpp"
#include "orrery/model/dtype.hpp"
#include "orrery/schedule/block.hpp"
#include "orrery/statistics/perturbation.hpp"
#include "orrery/sweep/perturb_options.hpp"

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace orrery::sweep {

/// A sample of the trace as far as it runs: up to the token that was measured, its last. Or a prompt of one's
/// own.
struct Prompt {
  std::int64_t sample = 0;  ///< its number in the trace, or among one's own
  std::int64_t line = 0;    ///< of the corpus, or of the prompts file
  std::vector<std::int32_t> tokens;
  std::string text;  ///< of one's own; "" of the trace's
};

/// A file of prompts of one's own.
struct OwnPrompts {
  std::string name;  ///< without its folder
  std::string sha256;
};

/// What a trace file says of itself that a sweep rests on.
struct TraceFacts {
  std::string checksum;  ///< SHA-256 of the file's checksums: of its numbers, not of its run
  std::string model_sha256, tokenizer_sha256, corpus_sha256;
  std::string corpus_name;
  bool untrained = false;  ///< `--weights random`, of that seed
  std::int64_t seed = 0;
  core::PointMap points;
  std::int64_t units = 0, heads = 0;

  std::int64_t layers() const { return points.layers(); }
};

/// Perturbations of one kind, of a prompt at a start layer: rows `first` … `first + count − 1`.
struct Case {
  std::string name;  ///< as in the file's `case`
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// Where rows branch off: perturbations at start layer `place`, or ablations in ablated layer `place`.
struct SweepStart {
  core::Layer layer;
  bool ablates = false;
  std::int64_t place = 0;
};

/// A whole sweep before it runs: all that the trace gives, every list resolved. The same whatever part of it
/// runs, and wherever.
struct Sweep {
  PerturbOptions options;  ///< with the model's path, formats and lists filled in
  TraceFacts trace;
  std::vector<Prompt> prompts;                            ///< Q, ascending
  std::optional<OwnPrompts> own_prompts;                  ///< where they are not samples of the trace
  std::vector<core::Layer> start_layers;                  ///< M; none where ablations run alone
  std::vector<core::Layer> ablated_layers;                ///< A
  std::vector<std::vector<std::array<double, 2>>> grids;  ///< one, or one of each start layer
  statistics::PooledPlane plane;
  at::Tensor components;    ///< (max(j, 2), D) float64: the leading pooled components
  at::Tensor mean_score;    ///< (max(j, 2)) float64: component · mean
  std::int64_t scores = 0;  ///< j
  at::Tensor directions;    ///< (R, D) float64, of noise
  std::vector<std::string> direction_names;
  at::Tensor control_directions;  ///< (G, D) float64
  at::Tensor spread;              ///< (P) float64: √(2 tr C_s)
  /// Samples of the trace whose parts' outputs are averaged, where ablations set them to their mean.
  std::vector<Prompt> averaged;
  std::vector<std::int64_t> state_prompts;  ///< some of the prompts' numbers
  std::vector<core::Point> state_points;

  std::int64_t points() const { return trace.points.size(); }
  std::int64_t grid_points() const { return options.grid * options.grid; }
  /// The perturbations of a prompt at a start layer, in order of their rows.
  std::vector<Case> cases() const;
  /// Ascending layers; perturbations before ablations.
  std::vector<SweepStart> starts() const;
  /// The same with their rows.
  std::vector<schedule::Start> row_starts() const;
  /// (rows, D) float64: the streams that stand in for x (D), a prompt's at the input of a start layer.
  at::Tensor perturbed(std::int64_t start_layer, const at::Tensor& x) const;
  /// Numbers of double precision that are measured of a row.
  std::int64_t measured_numbers() const;
  /// The blocks of the whole sweep; their samples are places in `prompts`.
  std::vector<schedule::Block> blocks() const;
  /// Sizes of a file of those prompts (places in `prompts`, ascending).
  archive::SweepExtent extent(const std::vector<std::int64_t>& prompts) const;
  bool untrained() const;
};

}  // namespace orrery::sweep
