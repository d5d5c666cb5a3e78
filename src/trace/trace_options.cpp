#include "orrery/trace/trace_options.hpp"

#include "orrery/archive/output_options.hpp"
#include "orrery/model/dtype_options.hpp"

#include <array>
#include <limits>

namespace orrery::trace {
namespace {

using core::concat;

constexpr std::array<std::pair<std::string_view, Tokens>, 3> tokens_words = {
    {{"last", Tokens::last}, {"random", Tokens::random}, {"all", Tokens::all}}};
constexpr std::array<std::pair<std::string_view, text::Bos>, 3> bos_words = {
    {{"template", text::Bos::as_template}, {"add", text::Bos::add}, {"none", text::Bos::none}}};
constexpr std::array<std::pair<std::string_view, WeightChoice>, 2> weights_words = {
    {{"file", WeightChoice::file}, {"random", WeightChoice::random}}};
constexpr std::array<std::pair<std::string_view, MomentsChoice>, 3> moments_words = {
    {{"auto", MomentsChoice::automatic},
     {"rows", MomentsChoice::rows},
     {"streaming", MomentsChoice::streaming}}};
constexpr std::array<std::pair<std::string_view, Store>, 2> stores = {
    {{"rows", Store::rows}, {"none", Store::none}}};

}  // namespace

const char* name_of(Tokens tokens) {
  return core::word_of<Tokens>(tokens, tokens_words);
}
const char* name_of(text::Bos bos) {
  return core::word_of<text::Bos>(bos, bos_words);
}
const char* name_of(WeightChoice choice) {
  return core::word_of<WeightChoice>(choice, weights_words);
}
const char* name_of(MomentsChoice choice) {
  return core::word_of<MomentsChoice>(choice, moments_words);
}
const char* name_of(Store store) {
  return core::word_of<Store>(store, stores);
}

core::OptionTable option_table(TraceOptions& o) {
  constexpr std::int64_t many = std::int64_t{1} << 40;
  core::OptionTable table("trace");
  table.group("Files").free();
  archive::add_config_option(table);
  table.path("model", o.model, "trace",
             "folder with config.json, *.safetensors and tokenizer.json or tokenizer.model");
  table.path("corpus", o.corpus, "trace", "UTF-8 text, a sample a line");
  table.path("out", o.out, "trace", archive::out_help);
  archive::add_existing_options(table, o.existing);

  table.group("Samples").fixing();
  table.whole("samples", o.selection.samples, 0, many,
              "rows of the corpus to use, the first that fit; 0: all");
  table.whole("min-chars", o.selection.min_chars, 0, many, "a row has more characters than this");
  core::Option& most = table.whole("max-chars", o.selection.max_chars, 1, many, "and fewer than this");
  most.check = [&o, in_range = most.check] {
    in_range();
    if (o.selection.max_chars - o.selection.min_chars >= 2) return;
    throw core::usage_error("no row can have more characters than --min-chars and fewer than --max-chars",
                            concat(o.selection.min_chars, " and ", o.selection.max_chars), "widen the range");
  };
  table.word<Tokens>("tokens", o.tokens, tokens_words,
                     "what is measured of each sample: the last token of its text; random: one at a seeded "
                     "place from 8 on; all: all of its text");
  table.word<text::Bos>(
      "bos", o.bos, bos_words,
      "special token in front of each sample: as the tokenizer's template has it; add: "
      "BOS, once (bos_token of tokenizer_config.json, or bos_token_id of config.json); none");

  table.group("Numbers");
  table.word<WeightChoice>("weights", o.weights, weights_words,
                           "file: the model's own; random: an untrained model of the same configuration, "
                           "drawn by --seed");
  model::add_dtype_option(table, "dtype", o.dtype,
                          "of weights and products (default: bfloat16 on a GPU, float32 on a CPU)");
  model::add_dtype_option(
      table, "residual", o.residual,
      "of the residual stream; bfloat16 mimics other programs: it loses small changes of large units");

  run::add_machine_options(table, o.machine);

  table.group("Samples").fixing();
  table.whole("tile-tokens", o.tile_tokens, 1, 1 << 24,
              "tokens that run together, padding counted; another value gives other last bits");

  table.group("Numbers");
  core::Option& moments = table.word<MomentsChoice>(
      "moments", o.moments, moments_words,
      "rows: all measured rows in memory; streaming: their moments alone; auto: rows up to 2^30 numbers, "
      "streaming beyond and with --tokens all");
  moments.check = [&o] {
    if (o.tokens != Tokens::all || o.moments != MomentsChoice::rows) return;
    throw core::usage_error("--tokens all keeps no rows", "--moments rows",
                            "use --moments streaming, or auto, or measure one token a sample");
  };
  table.whole("components", o.components, 1, 1 << 24, "leading eigenvectors kept");
  table.whole("permutations", o.permutations, 1, 1000000, "draws of each null of the rotations, a unit");
  table.whole("seed", o.seed, 0, std::numeric_limits<std::int64_t>::max(),
              "of every random number: nulls, controls, places, pilot, untrained weights");
  table.word<Store>("store", o.store, stores, "rows: x[n, s, d] stands in the file; none: it doesn't");
  return table;
}

void TraceOptions::validate() const {
  TraceOptions copy = *this;
  option_table(copy).validate();
}

std::string to_ini(const TraceOptions& options) {
  TraceOptions copy = options;
  return option_table(copy).to_ini();
}

std::set<std::string> free_options() {
  TraceOptions any;
  return option_table(any).free_options();
}

}  // namespace orrery::trace
