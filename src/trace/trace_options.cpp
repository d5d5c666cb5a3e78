#include "orrery/trace/trace_options.hpp"

#include "orrery/run/option_words.hpp"

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

Tokens tokens_from(const std::string& word) {
  return run::choice_from<Tokens>(word, "tokens", tokens_words);
}
text::Bos bos_from(const std::string& word) {
  return run::choice_from<text::Bos>(word, "bos", bos_words);
}
WeightChoice weight_choice_from(const std::string& word) {
  return run::choice_from<WeightChoice>(word, "weights", weights_words);
}
MomentsChoice moments_choice_from(const std::string& word) {
  return run::choice_from<MomentsChoice>(word, "moments", moments_words);
}
Store store_from(const std::string& word) {
  return run::choice_from<Store>(word, "store", stores);
}
const char* name_of(Tokens tokens) {
  return run::word_of<Tokens>(tokens, tokens_words);
}
const char* name_of(text::Bos bos) {
  return run::word_of<text::Bos>(bos, bos_words);
}
const char* name_of(WeightChoice choice) {
  return run::word_of<WeightChoice>(choice, weights_words);
}
const char* name_of(MomentsChoice choice) {
  return run::word_of<MomentsChoice>(choice, moments_words);
}
const char* name_of(Store store) {
  return run::word_of<Store>(store, stores);
}

void TraceOptions::validate() const {
  constexpr std::int64_t many = std::int64_t{1} << 40;
  run::require_path("trace", "model", model);
  run::require_path("trace", "corpus", corpus);
  run::require_path("trace", "out", out);
  run::require_range("samples", selection.samples, 0, many);
  run::require_range("min-chars", selection.min_chars, 0, many);
  run::require_range("max-chars", selection.max_chars, 1, many);
  if (selection.max_chars - selection.min_chars < 2) {
    throw core::usage_error("no row can have more characters than --min-chars and fewer than --max-chars",
                            concat(selection.min_chars, " and ", selection.max_chars), "widen the range");
  }
  machine.validate();
  run::require_range("tile-tokens", tile_tokens, 1, 1 << 24);
  if (tokens == Tokens::all && moments == MomentsChoice::rows) {
    throw core::usage_error("--tokens all keeps no rows", "--moments rows",
                            "use --moments streaming, or auto, or measure one token a sample");
  }
  run::require_range("components", components, 1, 1 << 24);
  run::require_range("permutations", permutations, 1, 1000000);
  run::require_range("seed", seed, 0, std::numeric_limits<std::int64_t>::max());
}

std::string to_ini(const TraceOptions& o) {
  std::string text = "[trace]\n";
  const auto line = [&](const char* name, const auto& value) { text += run::ini_line(name, value); };
  text += run::ini_path("model", o.model) + run::ini_path("corpus", o.corpus) + run::ini_path("out", o.out);
  line("samples", o.selection.samples);
  line("min-chars", o.selection.min_chars);
  line("max-chars", o.selection.max_chars);
  line("tokens", name_of(o.tokens));
  line("bos", name_of(o.bos));
  line("weights", name_of(o.weights));
  if (o.dtype) line("dtype", model::name_of(*o.dtype));
  line("residual", model::name_of(o.residual));
  text += to_ini(o.machine);
  line("tile-tokens", o.tile_tokens);
  line("moments", name_of(o.moments));
  line("components", o.components);
  line("permutations", o.permutations);
  line("seed", o.seed);
  line("store", name_of(o.store));
  return text;
}

}  // namespace orrery::trace
