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

/// A path, kept in `into`.
auto* path(std::filesystem::path& into) {
  return po::value<std::string>()->value_name("PATH")->notifier(
      [&into](const std::string& text) { into = text; });
}

/// A whole number whose default is the one that `into` has.
auto* count(std::int64_t& into) {
  return po::value(&into)->default_value(into)->value_name("N");
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

void add_files(OptionSet& set, study::TraceOptions& o) {
  auto add = set.group("Files").add_options();
  add("config", po::value<std::string>()->value_name("PATH"),
      "INI file with options in a section [trace]; the command line wins");
  add("model", path(o.model), "folder with config.json, *.safetensors and tokenizer.json or tokenizer.model");
  add("corpus", path(o.corpus), "UTF-8 text, a sample a line");
  add("out", path(o.out), "HDF5 file to write");
  add("overwrite", po::bool_switch()->notifier([&o](bool on) {
    o.existing = on ? archive::Existing::overwrite : archive::Existing::refuse;
  }),
      "replace an --out that is there, once the new one is complete");
}

void add_samples(OptionSet& set, study::TraceOptions& o) {
  auto add = set.group("Samples").add_options();
  add("samples", count(o.selection.samples), "rows of the corpus to use, the first that fit; 0: all");
  add("min-chars", count(o.selection.min_chars), "a row has more characters than this");
  add("max-chars", count(o.selection.max_chars), "and fewer than this");
  add("tokens", word("last", [&o](const std::string& text) { o.tokens = study::tokens_from(text); }),
      "what is measured of each sample: its last token; random: one at a seeded place from 8 on; all: all "
      "but BOS");
  add("tile-tokens", count(o.tile_tokens), "tokens that run together, padding counted");
}

void add_numbers(OptionSet& set, study::TraceOptions& o) {
  auto add = set.group("Numbers").add_options();
  add("weights", word("file", [&o](const std::string& text) { o.weights = study::weight_choice_from(text); }),
      "file: the model's own; random: an untrained model of the same configuration, drawn by --seed");
  add("dtype", word([&o](const std::string& text) { o.dtype = model::dtype_from(text, "dtype"); }),
      "of weights and products: float32, bfloat16, float64 (default: bfloat16 on a GPU, float32 on a CPU)");
  add("residual",
      word("float32", [&o](const std::string& text) { o.residual = model::dtype_from(text, "residual"); }),
      "of the residual stream: float32, bfloat16, float64");
  add("moments",
      word("auto", [&o](const std::string& text) { o.moments = study::moments_choice_from(text); }),
      "rows: all measured rows in memory; streaming: their moments alone; auto: rows up to 2^30 numbers, "
      "streaming beyond and with --tokens all");
  add("components", count(o.components), "leading eigenvectors kept");
  add("permutations", count(o.permutations), "draws of each null of the rotations, a unit");
  add("seed", count(o.seed), "of every random number: 0, 1, ...");
  add("store", word("rows", [&o](const std::string& text) { o.store = study::store_from(text); }),
      "rows: x[n, s, d] stands in the file; none: it doesn't");
}

void add_machine(OptionSet& set, study::MachineOptions& o) {
  auto add = set.group("Machine").add_options();
  add("device", word("auto", [&o](const std::string& text) { o.device = study::device_choice_from(text); }),
      "auto, cpu or cuda; for all ranks");
  add("threads", po::value(&o.threads)->default_value(o.threads)->value_name("N"),
      "tiles in hand at once; 0: the rank's share of the cores it may run on");
  add("order", word("auto", [&o](const std::string& text) { o.order = study::order_choice_from(text); }),
      "tiles: weights stay; layers: one layer in memory; auto: tiles where they fit");
}

}  // namespace

void add_trace_options(OptionSet& set, study::TraceOptions& options) {
  add_files(set, options);
  add_samples(set, options);
  add_numbers(set, options);
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
