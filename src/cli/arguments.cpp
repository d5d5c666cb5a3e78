#include "orrery/cli/arguments.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace orrery::cli {
namespace {

namespace po = boost::program_options;

using Take = std::function<void(const std::string&)>;

constexpr const char* out_help =
    "HDF5 file to write, and none that is read; a symbolic link there counts as a file that is there: "
    "--overwrite replaces the link, and what it points to stays";

/// A path, kept in `into`.
auto* path(std::filesystem::path& into) {
  return po::value<std::string>()->value_name("PATH")->notifier(
      [&into](const std::string& text) { into = text; });
}

/// A whole number whose default is the one that `into` has.
auto* count(std::int64_t& into) {
  return po::value(&into)->default_value(into)->value_name("N");
}

/// A text, kept in `into`.
auto* text(std::string& into) {
  return po::value(&into)->value_name("LIST");
}

/// A word that `take` reads, or refuses.
auto* word(const Take& take) {
  return po::value<std::string>()->value_name("WORD")->notifier(take);
}
auto* word(const char* otherwise, const Take& take) {
  return word(take)->default_value(otherwise);
}

/// Takes one of `known` into `into`.
Take one_of(const char* option, std::vector<std::string> known, std::string& into) {
  return [option, known = std::move(known), &into](const std::string& text) {
    into = text;
    if (std::ranges::find(known, text) != known.end()) return;
    std::string list;
    for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
    throw core::usage_error(core::concat("unknown word for --", option), text, "use one of " + list);
  };
}

/// What to do where the output, or work on it, is there. They are told in this order, by name.
void add_existing(OptionSet& set, archive::Existing& existing) {
  auto add = set.group("Files").add_options();
  add("overwrite", po::bool_switch()->notifier([&existing](bool on) {
    if (on) existing = archive::Existing::overwrite;
  }),
      "replace an --out that is there, once the new one is complete");
  add("resume", po::bool_switch()->notifier([&existing](bool on) {
    if (!on) return;
    if (existing == archive::Existing::overwrite) {
      throw core::usage_error("--overwrite and --resume exclude each other", "both given",
                              "give one of them");
    }
    existing = archive::Existing::resume;
  }),
      "go on where an earlier run stopped; with nothing there, begin");
}

void add_files(OptionSet& set, trace::TraceOptions& o) {
  auto add = set.group("Files").add_options();
  add("config", po::value<std::string>()->value_name("PATH"),
      "INI file with options in a section [trace]; the command line wins");
  add("model", path(o.model), "folder with config.json, *.safetensors and tokenizer.json or tokenizer.model");
  add("corpus", path(o.corpus), "UTF-8 text, a sample a line");
  add("out", path(o.out), out_help);
  add_existing(set, o.existing);
}

void add_samples(OptionSet& set, trace::TraceOptions& o) {
  auto add = set.group("Samples").add_options();
  add("samples", count(o.selection.samples), "rows of the corpus to use, the first that fit; 0: all");
  add("min-chars", count(o.selection.min_chars), "a row has more characters than this");
  add("max-chars", count(o.selection.max_chars), "and fewer than this");
  add("tokens", word("last", [&o](const std::string& text) { o.tokens = trace::tokens_from(text); }),
      "what is measured of each sample: the last token of its text; random: one at a seeded place from 8 "
      "on; all: all of its text");
  add("bos", word("template", [&o](const std::string& text) { o.bos = trace::bos_from(text); }),
      "special token in front of each sample: as the tokenizer's template has it; add: BOS, once; none");
  add("tile-tokens", count(o.tile_tokens), "tokens that run together, padding counted");
}

void add_numbers(OptionSet& set, trace::TraceOptions& o) {
  auto add = set.group("Numbers").add_options();
  add("weights", word("file", [&o](const std::string& text) { o.weights = trace::weight_choice_from(text); }),
      "file: the model's own; random: an untrained model of the same configuration, drawn by --seed");
  add("dtype", word([&o](const std::string& text) { o.dtype = model::dtype_from(text, "dtype"); }),
      "of weights and products: float32, bfloat16, float64 (default: bfloat16 on a GPU, float32 on a CPU)");
  add("residual",
      word("float32", [&o](const std::string& text) { o.residual = model::dtype_from(text, "residual"); }),
      "of the residual stream: float32, bfloat16, float64");
  add("moments",
      word("auto", [&o](const std::string& text) { o.moments = trace::moments_choice_from(text); }),
      "rows: all measured rows in memory; streaming: their moments alone; auto: rows up to 2^30 numbers, "
      "streaming beyond and with --tokens all");
  add("components", count(o.components), "leading eigenvectors kept");
  add("permutations", count(o.permutations), "draws of each null of the rotations, a unit");
  add("seed", count(o.seed), "of every random number: 0, 1, ...");
  add("store", word("rows", [&o](const std::string& text) { o.store = trace::store_from(text); }),
      "rows: x[n, s, d] stands in the file; none: it doesn't");
}

void add_machine(OptionSet& set, run::MachineOptions& o) {
  auto add = set.group("Machine").add_options();
  add("device", word("auto", [&o](const std::string& text) { o.device = run::device_choice_from(text); }),
      "auto, cpu or cuda; for all ranks");
  add("threads", po::value(&o.threads)->default_value(o.threads)->value_name("N"),
      "tiles in hand at once, on a GPU threads of the host; 0: the rank's share of the cores it may run on");
  add("order", word("auto", [&o](const std::string& text) { o.order = run::order_choice_from(text); }),
      "tiles: weights stay; layers: one layer in memory; auto: tiles where they fit");
  add("checkpoint-every",
      word("10m",
           [&o](const std::string& text) {
             o.checkpoint_seconds = run::seconds_from("checkpoint-every", text);
           }),
      "how often what is finished is committed, so that --resume can go on from it: 90s, 10m, 2h");
  add("stall-minutes", po::value(&o.stall_minutes)->default_value(o.stall_minutes)->value_name("X"),
      "a run in which no rank gets on for so long ends, and names the ranks that it waits for; 0: never");
}

void add_sweep_files(OptionSet& set, sweep::PerturbOptions& o) {
  auto add = set.group("Files").add_options();
  add("config", po::value<std::string>()->value_name("PATH"),
      "INI file with options in a section [perturb]; the command line wins");
  add("trace", path(o.trace), "file of `orrery trace`: prompts, components and scales come from it");
  add("model", path(o.model), "the trace's model, where its folder is no longer where the trace found it");
  add("out", path(o.out), out_help);
  add_existing(set, o.existing);
  add("part", po::value<std::string>()->value_name("I/N")->notifier([&o](const std::string& text) {
    o.part = sweep::part_from(text);
  }),
      "do part I of 0 ... N - 1 alone, as one of N jobs");
  add("join", po::bool_switch(&o.join), "make --out of its finished parts");
}

void add_perturbations(OptionSet& set, sweep::PerturbOptions& o) {
  auto add = set.group("Perturbations").add_options();
  add("kinds", word("teleport,noise", [&o](const std::string& text) { o.kinds = sweep::kinds_from(text); }),
      "some of teleport,noise,ablate");
  add("prompts", text(o.prompts)->value_name("LIST|FILE"),
      "samples of the trace: numbers and ranges such as 0-3,7, or all (default: the first 8); or a file of "
      "your own, of any length: UTF-8 text, a prompt a line, or JSON Lines (.jsonl), the prompt in each "
      "one's field text");
  add("layers", text(o.layers)->default_value("default"),
      "start layers, likewise; default: the paper's fractions of depth");
  add("mode", word("plane", [&o](const std::string& word) { o.mode = sweep::teleport_mode_from(word); }),
      "a teleport replaces the stream by a point of the plane of the first two pooled components; shift: "
      "keeps "
      "what is not of the plane");
  add("range", word("pooled", [&o](const std::string& word) { o.range = sweep::grid_range_from(word); }),
      "of scores that the grid spans: of all points, or of the start layer's");
  add("grid", count(o.grid), "points of the grid along each axis");
  add("widen", po::value(&o.widen)->default_value(o.widen)->value_name("X"),
      "share by which the grid is wider than the range");
  add("controls",
      word("random_direction", [&o](const std::string& word) { o.control = sweep::control_from(word); }),
      "random_direction: each teleport again, as far in a random direction; none");
  add("epsilon",
      word("0.01,0.03,0.1,0.3,1", [&o](const std::string& list) { o.epsilons = sweep::epsilons_from(list); }),
      "lengths of noise, of the stream's own");
  add("directions", count(o.directions), "random directions of noise, the same for all prompts and layers");
  add("pc-directions", count(o.pc_directions), "pooled components that noise follows, both ways");
  add("ablate", word("zero", [&o](const std::string& word) { o.ablation = sweep::ablation_from(word); }),
      "what an attention head or MLP gives is set to zero, or to its mean over the trace's samples");
  add("ablate-layers", text(o.ablated_layers)->default_value("all"), "layers whose parts are ablated");
}

void add_sweep_numbers(OptionSet& set, sweep::PerturbOptions& o) {
  auto add = set.group("Numbers").add_options();
  add("weights",
      word("trace", [&o](const std::string& word) { o.weights = sweep::sweep_weights_from(word); }),
      "as the trace ran; file: the model's own; random: an untrained model as a control");
  add("dtype", word([&o](const std::string& word) { o.dtype = model::dtype_from(word, "dtype"); }),
      "of weights and products: float32, bfloat16, float64 (default: the trace's)");
  add("residual", word([&o](const std::string& word) { o.residual = model::dtype_from(word, "residual"); }),
      "of the residual stream, likewise");
  add("score-components", po::value<std::int64_t>()->value_name("N")->notifier([&o](std::int64_t number) {
    o.score_components = number;
  }),
      "pooled components whose scores are kept (default: 8, or as many as the trace has)");
  add("seed", count(o.seed), "of every random number: 0, 1, ...");
  add("store", word("scores", [&o](const std::string& word) { o.store = sweep::sweep_store_from(word); }),
      "scores; states: whole streams too, of --state-prompts at --state-points");
  add("state-prompts", text(o.state_prompts),
      "prompts whose streams are kept, by their numbers (default: the first)");
  add("state-points", text(o.state_points)->default_value("all"), "capture points at which they are kept");
  add("batch-tokens", count(o.batch_tokens), "tokens of prompts that run together, padding counted");
  add("batch-rows", count(o.batch_rows),
      "perturbed streams that run together, or one prompt's of a start layer");
}

}  // namespace

void add_trace_options(OptionSet& set, trace::TraceOptions& options) {
  add_files(set, options);
  add_samples(set, options);
  add_numbers(set, options);
  add_machine(set, options.machine);
}

void add_perturb_options(OptionSet& set, sweep::PerturbOptions& options) {
  add_sweep_files(set, options);
  add_perturbations(set, options);
  add_sweep_numbers(set, options);
  add_machine(set, options.machine);
}

void add_talk_options(OptionSet& set, TalkOptions& options) {
  auto add = set.group("Talk").add_options();
  add("progress", word("auto", one_of("progress", {"auto", "bar", "lines", "none"}, options.progress)),
      "bar, lines or none; auto: a bar on a terminal without a launcher, else a line every 30 s");
  add("log-level", word("info", one_of("log-level", {"error", "warn", "info", "debug"}, options.log_level)),
      "error, warn, info or debug");
}

}  // namespace orrery::cli
