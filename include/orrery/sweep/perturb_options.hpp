#pragma once

#include "orrery/archive/output.hpp"
#include "orrery/core/option_table.hpp"
#include "orrery/model/dtype.hpp"
#include "orrery/run/machine_options.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace orrery::sweep {

/// Which perturbations run.
struct Kinds {
  bool teleport = true;
  bool noise = true;
  bool ablate = false;
};
/// Where a teleport puts the stream: x′ = μ + V z ("plane"), or x′ = x + V (z − z₀) ("shift").
enum class TeleportMode { plane, shift };
/// Whose scores the grid spans: those of all points before the final one, or of the start layer's point.
enum class GridRange { pooled, layer };
enum class Control { random_direction, none };
/// What stands in for an ablated part's output: nothing, or its mean over the trace's samples.
enum class Ablation { zero, mean };
enum class SweepStore { scores, states };
/// Whose weights: those that the trace ran with, the model's files, or random ones.
enum class SweepWeights { trace, file, random };

/// What `orrery perturb` is asked for; defaults as `--help` lists them. Lists of numbers are texts such as
/// "0-3,7" or "all" (number_list).
struct PerturbOptions {
  std::filesystem::path trace;
  std::filesystem::path model;  ///< empty: where the trace found it
  std::filesystem::path out;
  Kinds kinds;
  /// Samples of the trace, or a file of one's own; empty: the first 8 samples, or as many as there are.
  std::string prompts;
  std::string layers = "default";  ///< start layers; default: the paper's fractions of depth
  TeleportMode mode = TeleportMode::plane;
  GridRange range = GridRange::pooled;
  std::int64_t grid = 10;
  double widen = 0.2;
  Control control = Control::random_direction;
  std::vector<double> epsilons = {0.01, 0.03, 0.1, 0.3, 1};
  std::int64_t directions = 8;
  std::int64_t pc_directions = 2;
  Ablation ablation = Ablation::zero;
  std::string ablated_layers = "all";
  std::optional<std::int64_t> score_components;  ///< 8, or as many as the trace has
  SweepStore store = SweepStore::scores;
  std::string state_prompts;         ///< empty: the sweep's first prompt
  std::string state_points = "all";  ///< capture points
  SweepWeights weights = SweepWeights::trace;
  std::optional<model::DType> dtype;     ///< the trace's
  std::optional<model::DType> residual;  ///< the trace's
  std::int64_t seed = 0;
  std::int64_t batch_tokens = 512;
  std::int64_t batch_rows = 1024;
  run::MachineOptions machine;
  archive::Existing existing = archive::Existing::refuse;
  std::optional<archive::Part> part;
  bool join = false;

  /// Throws usage_error on a value that no sweep can have.
  void validate() const;
};

/// All of them: a table whose values are those of `options`, which must outlive it.
core::OptionTable option_table(PerturbOptions& options);
/// The options as an INI file with a section [perturb] that repeats the run: --overwrite, --resume, --part
/// and --join left out.
std::string to_ini(const PerturbOptions& options);
/// The names of those that can't change a number of the result.
std::set<std::string> free_options();

/// "0.01,0.1" as numbers of at least 0, ascending. Throws usage_error.
std::vector<double> epsilons_from(const std::string& text);
std::string text_of(const std::vector<double>& epsilons);
/// "teleport,noise"
Kinds kinds_from(const std::string& text);
std::string text_of(const Kinds& kinds);
/// "3/8": part 3, of 0 … 7.
archive::Part part_from(const std::string& text);

const char* name_of(TeleportMode mode);
const char* name_of(GridRange range);
const char* name_of(Control control);
const char* name_of(Ablation ablation);
const char* name_of(SweepStore store);
const char* name_of(SweepWeights weights);

}  // namespace orrery::sweep
