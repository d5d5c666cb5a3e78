#include "orrery/sweep/perturb_options.hpp"

#include "orrery/core/number_list.hpp"
#include "orrery/core/number_text.hpp"
#include "orrery/run/option_words.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <sstream>

namespace orrery::sweep {
namespace {

using core::concat;
using core::usage_error;

constexpr std::array<std::pair<std::string_view, TeleportMode>, 2> mode_words = {
    {{"plane", TeleportMode::plane}, {"shift", TeleportMode::shift}}};
constexpr std::array<std::pair<std::string_view, GridRange>, 2> range_words = {
    {{"pooled", GridRange::pooled}, {"layer", GridRange::layer}}};
constexpr std::array<std::pair<std::string_view, Control>, 2> control_words = {
    {{"random_direction", Control::random_direction}, {"none", Control::none}}};
constexpr std::array<std::pair<std::string_view, Ablation>, 2> ablation_words = {
    {{"zero", Ablation::zero}, {"mean", Ablation::mean}}};
constexpr std::array<std::pair<std::string_view, SweepStore>, 2> store_words = {
    {{"scores", SweepStore::scores}, {"states", SweepStore::states}}};
constexpr std::array<std::pair<std::string_view, SweepWeights>, 3> weight_words = {
    {{"trace", SweepWeights::trace}, {"file", SweepWeights::file}, {"random", SweepWeights::random}}};

}  // namespace

std::vector<double> epsilons_from(const std::string& text) {
  std::vector<double> epsilons;
  for (const std::string& part : core::split_at_commas(text)) {
    const auto number = core::number_from<double>(part);
    if (!number || !std::isfinite(*number) || *number < 0) {
      throw usage_error("--epsilon: not a number of at least 0", part, "give a list such as 0.01,0.1,1");
    }
    epsilons.push_back(*number);
  }
  std::ranges::sort(epsilons);
  if (epsilons.empty() || std::ranges::adjacent_find(epsilons) != epsilons.end()) {
    throw usage_error("--epsilon: nothing in the list, or a number twice", concat("'", text, "'"),
                      "give a list such as 0.01,0.1,1");
  }
  return epsilons;
}

std::string text_of(const std::vector<double>& epsilons) {
  std::string text;
  for (const double epsilon : epsilons)
    text.append(text.empty() ? "" : ",").append(core::number_text(epsilon));
  return text;
}

Kinds kinds_from(const std::string& text) {
  Kinds kinds{false, false, false};
  for (const std::string& part : core::split_at_commas(text)) {
    bool* kind = part == "teleport" ? &kinds.teleport
                 : part == "noise"  ? &kinds.noise
                 : part == "ablate" ? &kinds.ablate
                                    : nullptr;
    if (kind == nullptr) {
      throw usage_error("unknown word for --kinds", part, "give some of teleport,noise,ablate");
    }
    *kind = true;
  }
  if (!kinds.teleport && !kinds.noise && !kinds.ablate) {
    throw usage_error("--kinds is empty", concat("'", text, "'"), "give some of teleport,noise,ablate");
  }
  return kinds;
}

std::string text_of(const Kinds& kinds) {
  std::string text;
  const auto add = [&](bool on, const char* name) {
    if (on) text += concat(text.empty() ? "" : ",", name);
  };
  add(kinds.teleport, "teleport");
  add(kinds.noise, "noise");
  add(kinds.ablate, "ablate");
  return text;
}

archive::Part part_from(const std::string& text) {
  const std::size_t slash = text.find('/');
  const auto number = core::number_from<std::int64_t>(std::string_view(text).substr(0, slash));
  const auto count = slash == std::string::npos
                         ? std::nullopt
                         : core::number_from<std::int64_t>(std::string_view(text).substr(slash + 1));
  constexpr std::int64_t most = 100000;
  if (!number || !count || *count < 1 || *count > most || *number < 0 || *number >= *count) {
    throw usage_error("--part is no part of a whole", text,
                      "give 0/4, 1/4, 2/4 and 3/4 for four parts, one to a job");
  }
  return {*number, *count};
}

TeleportMode teleport_mode_from(const std::string& word) {
  return run::choice_from<TeleportMode>(word, "mode", mode_words);
}
GridRange grid_range_from(const std::string& word) {
  return run::choice_from<GridRange>(word, "range", range_words);
}
Control control_from(const std::string& word) {
  return run::choice_from<Control>(word, "controls", control_words);
}
Ablation ablation_from(const std::string& word) {
  return run::choice_from<Ablation>(word, "ablate", ablation_words);
}
SweepStore sweep_store_from(const std::string& word) {
  return run::choice_from<SweepStore>(word, "store", store_words);
}
SweepWeights sweep_weights_from(const std::string& word) {
  return run::choice_from<SweepWeights>(word, "weights", weight_words);
}
const char* name_of(TeleportMode mode) {
  return run::word_of<TeleportMode>(mode, mode_words);
}
const char* name_of(GridRange range) {
  return run::word_of<GridRange>(range, range_words);
}
const char* name_of(Control control) {
  return run::word_of<Control>(control, control_words);
}
const char* name_of(Ablation ablation) {
  return run::word_of<Ablation>(ablation, ablation_words);
}
const char* name_of(SweepStore store) {
  return run::word_of<SweepStore>(store, store_words);
}
const char* name_of(SweepWeights weights) {
  return run::word_of<SweepWeights>(weights, weight_words);
}

void PerturbOptions::validate() const {
  run::require_path("perturb", "trace", trace);
  run::require_path("perturb", "out", out);
  run::require_range("grid", grid, 1, 4096);
  if (!(widen >= 0) || !std::isfinite(widen)) {
    throw usage_error("--widen is below 0", core::number_text(widen),
                      "give the share by which the range grows, 0.2");
  }
  run::require_range("directions", directions, 0, 1 << 20);
  run::require_range("pc-directions", pc_directions, 0, 1 << 20);
  if (kinds.noise && directions + pc_directions == 0) {
    throw usage_error("noise has no direction", "--directions 0 --pc-directions 0",
                      "give one of them, or leave noise out of --kinds");
  }
  if (score_components) run::require_range("score-components", *score_components, 1, 1 << 20);
  run::require_range("seed", seed, 0, std::numeric_limits<std::int64_t>::max());
  run::require_range("batch-tokens", batch_tokens, 1, 1 << 24);
  run::require_range("batch-rows", batch_rows, 1, 1 << 24);
  machine.validate();
  if (part && join) {
    throw usage_error("--part and --join exclude each other", "both given",
                      "run every part, then once --join without --part");
  }
}

std::string to_ini(const PerturbOptions& o) {
  std::string text = "[perturb]\n";
  const auto line = [&](const char* name, const auto& value) { text += run::ini_line(name, value); };
  text += run::ini_path("trace", o.trace) + run::ini_path("model", o.model) + run::ini_path("out", o.out);
  line("kinds", text_of(o.kinds));
  text += core::is_number_list(o.prompts) ? run::ini_line("prompts", o.prompts)
                                          : run::ini_path("prompts", o.prompts);
  line("layers", o.layers);
  line("mode", name_of(o.mode));
  line("range", name_of(o.range));
  line("grid", o.grid);
  line("widen", core::number_text(o.widen));
  line("controls", name_of(o.control));
  line("epsilon", text_of(o.epsilons));
  line("directions", o.directions);
  line("pc-directions", o.pc_directions);
  line("ablate", name_of(o.ablation));
  line("ablate-layers", o.ablated_layers);
  if (o.score_components) line("score-components", *o.score_components);
  line("store", name_of(o.store));
  if (!o.state_prompts.empty()) line("state-prompts", o.state_prompts);
  line("state-points", o.state_points);
  line("weights", name_of(o.weights));
  if (o.dtype) line("dtype", model::name_of(*o.dtype));
  if (o.residual) line("residual", model::name_of(*o.residual));
  line("seed", o.seed);
  line("batch-tokens", o.batch_tokens);
  line("batch-rows", o.batch_rows);
  text += to_ini(o.machine);
  return text;
}

}  // namespace orrery::sweep
