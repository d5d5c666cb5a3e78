#include "orrery/sweep/perturb_options.hpp"

#include "orrery/archive/output_options.hpp"
#include "orrery/core/number_list.hpp"
#include "orrery/core/number_text.hpp"
#include "orrery/model/dtype_options.hpp"

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

const char* name_of(TeleportMode mode) {
  return core::word_of<TeleportMode>(mode, mode_words);
}
const char* name_of(GridRange range) {
  return core::word_of<GridRange>(range, range_words);
}
const char* name_of(Control control) {
  return core::word_of<Control>(control, control_words);
}
const char* name_of(Ablation ablation) {
  return core::word_of<Ablation>(ablation, ablation_words);
}
const char* name_of(SweepStore store) {
  return core::word_of<SweepStore>(store, store_words);
}
const char* name_of(SweepWeights weights) {
  return core::word_of<SweepWeights>(weights, weight_words);
}

namespace {

void add_files(core::OptionTable& table, PerturbOptions& o) {
  table.group("Files").free();
  archive::add_config_option(table);
  table.path("trace", o.trace, "perturb",
             "file of `orrery trace`: prompts, components and scales come from it");
  table.path("model", o.model, "",
             "the trace's model, where its folder is no longer where the trace found it");
  table.path("out", o.out, "perturb", archive::out_help);
  archive::add_existing_options(table, o.existing);
  table.add(
      "part", "I/N", [&o](const std::string& text) { o.part = part_from(text); },
      "do part I of 0 ... N - 1 alone, as one of N jobs");
  table.add("join", "", &o.join, "make --out of its finished parts");
}

void add_perturbations(core::OptionTable& table, PerturbOptions& o) {
  table.group("Perturbations").fixing();
  core::Option& kinds = table.add(
      "kinds", "WORD", [&o](const std::string& text) { o.kinds = kinds_from(text); },
      "perturbations that run");
  kinds.range = concat("some of ", text_of(Kinds{true, true, true}));
  kinds.otherwise = text_of(o.kinds);
  kinds.written = [&o] { return text_of(o.kinds); };
  core::Option& prompts = table.text(
      "prompts", o.prompts, "LIST|FILE",
      "samples of the trace: numbers and ranges such as 0-3,7, or all (default: the first 8); or a file of "
      "your own, of any length: UTF-8 text, a prompt a line, or JSON Lines (.jsonl), the prompt in each "
      "one's "
      "field text");
  prompts.written = [&o] {
    return core::is_number_list(o.prompts) ? o.prompts : core::recorded_path(o.prompts);
  };
  core::Option& layers = table.text(
      "layers", o.layers, "LIST",
      "start layers, likewise; default: the paper's 0, L/4 - 1, L/2 - 1, 3L/4 - 1 and L - 1, rounded down");
  layers.written = [&o] { return o.layers; };
  table.word<TeleportMode>("mode", o.mode, mode_words,
                           "a teleport replaces the stream by a point of the plane of the first two pooled "
                           "components; shift: keeps what is not of the plane");
  table.word<GridRange>("range", o.range, range_words,
                        "of scores that the grid spans: of all points, or of the start layer's");
  table.whole("grid", o.grid, 1, 4096, "points of the grid along each axis");
  core::Option& widen = table.real("widen", o.widen, "share by which the grid is wider than the range");
  widen.range = "0 or more";
  widen.check = [&o] {
    if (o.widen >= 0 && std::isfinite(o.widen)) return;
    throw usage_error("--widen is below 0", core::number_text(o.widen),
                      "give the share by which the range grows, 0.2");
  };
  table.word<Control>("controls", o.control, control_words,
                      "random_direction: each teleport again, as far in a random direction; none");
  core::Option& epsilon = table.add(
      "epsilon", "LIST", [&o](const std::string& list) { o.epsilons = epsilons_from(list); },
      "lengths of noise, of the stream's own");
  epsilon.range = "0 or more";
  epsilon.otherwise = text_of(o.epsilons);
  epsilon.written = [&o] { return text_of(o.epsilons); };
  table.whole("directions", o.directions, 0, 1 << 20,
              "random directions of noise, the same for all prompts and layers");
  core::Option& along = table.whole("pc-directions", o.pc_directions, 0, 1 << 20,
                                    "pooled components that noise follows, both ways");
  along.check = [&o, in_range = along.check] {
    in_range();
    if (!o.kinds.noise || o.directions + o.pc_directions > 0) return;
    throw usage_error("noise has no direction", "--directions 0 --pc-directions 0",
                      "give one of them, or leave noise out of --kinds");
  };
  table.word<Ablation>("ablate", o.ablation, ablation_words,
                       "what an attention head or MLP gives is set to zero, or to its mean over the trace's "
                       "samples");
  core::Option& ablated =
      table.text("ablate-layers", o.ablated_layers, "LIST", "layers whose parts are ablated");
  ablated.written = [&o] { return o.ablated_layers; };
}

void add_numbers(core::OptionTable& table, PerturbOptions& o) {
  constexpr std::int64_t most_components = 1 << 20;
  table.group("Numbers");
  core::Option& components =
      table.add("score-components", "N", &o.score_components,
                "pooled components whose scores are kept (default: 8, or as many as the trace has)");
  components.range = concat(1, " to ", most_components);
  components.check = [&o] {
    if (o.score_components) core::require_range("score-components", *o.score_components, 1, most_components);
  };
  components.written = [&o]() -> std::optional<std::string> {
    if (!o.score_components) return std::nullopt;
    return std::to_string(*o.score_components);
  };
  table.word<SweepStore>("store", o.store, store_words,
                         "scores; states: whole streams too, of --state-prompts at --state-points");
  table.text("state-prompts", o.state_prompts, "LIST",
             "prompts whose streams are kept, by their numbers (default: the first)");
  core::Option& points =
      table.text("state-points", o.state_points, "LIST", "capture points at which they are kept");
  points.written = [&o] { return o.state_points; };
  table.word<SweepWeights>(
      "weights", o.weights, weight_words,
      "as the trace ran; file: the model's own; random: an untrained model as a control");
  model::add_dtype_option(table, "dtype", o.dtype, "of weights and products (default: the trace's)");
  model::add_dtype_option(table, "residual", o.residual, "of the residual stream, likewise");
  table.whole("seed", o.seed, 0, std::numeric_limits<std::int64_t>::max(), "of every random number");
  table.whole("batch-tokens", o.batch_tokens, 1, 1 << 24,
              "tokens of prompts that run together, padding counted; another value gives other last bits");
  table.whole(
      "batch-rows", o.batch_rows, 1, 1 << 24,
      "perturbed streams that run together, or one prompt's of a start layer; another value gives other last "
      "bits");
}

}  // namespace

core::OptionTable option_table(PerturbOptions& o) {
  core::OptionTable table("perturb");
  add_files(table, o);
  add_perturbations(table, o);
  add_numbers(table, o);
  run::add_machine_options(table, o.machine);
  return table;
}

void PerturbOptions::validate() const {
  PerturbOptions copy = *this;
  option_table(copy).validate();
  if (part && join) {
    throw usage_error("--part and --join exclude each other", "both given",
                      "run every part, then once --join without --part");
  }
}

std::string to_ini(const PerturbOptions& options) {
  PerturbOptions copy = options;
  return option_table(copy).to_ini();
}

std::set<std::string> free_options() {
  PerturbOptions any;
  return option_table(any).free_options();
}

}  // namespace orrery::sweep
