#include "orrery/trace/trace_input.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/heartbeat.hpp"
#include "orrery/core/log.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/core/random.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/text/printable.hpp"
#include "orrery/text/special_tokens.hpp"
#include "orrery/text/tokenizer.hpp"

#include <algorithm>
#include <numeric>
#include <span>

namespace orrery::trace {
namespace {

using core::bad_input;
using core::concat;

void read_weights(const TraceOptions& options, TraceInput& input) {
  const bool untrained = options.weights == WeightChoice::random;
  static_cast<run::ModelInput&>(input) =
      run::read_model(options.model, untrained ? std::optional(options.seed) : std::nullopt);
  run::warn_of_unread(input);
}

/// Where a sample's text ends: behind it stand special tokens alone.
std::int64_t text_end(const TraceInput& input, const std::vector<std::int32_t>& tokens) {
  return std::ssize(tokens) - std::ssize(input.special.trailing);
}

/// BOS may come from a file other than the tokenizer's.
void require_in_embedding(const TraceInput& input) {
  for (const auto* tokens : {&input.special.leading, &input.special.trailing}) {
    for (const text::SpecialToken& token : *tokens) {
      if (token.id < input.shape().vocabulary) continue;
      throw bad_input(
          "a special token has no row in the embedding",
          concat(text::printable(token.text), " has id ", token.id, ", ", input.shape().vocabulary, " rows"),
          "check that tokenizer and weights belong together");
    }
  }
}

void read_samples(const TraceOptions& options, TraceInput& input) {
  const text::LoadedTokenizer loaded = text::load_tokenizer(options.model);
  input.tokenizer_file = loaded.file;
  const std::int64_t vocabulary = loaded.tokenizer->vocabulary_size();
  if (vocabulary > input.shape().vocabulary) {
    throw bad_input("the tokenizer has more tokens than the embedding has rows",
                    concat(vocabulary, " tokens in ", loaded.file, ", ", input.shape().vocabulary, " rows"),
                    "check that tokenizer and weights belong together");
  }
  input.special = text::special_tokens(options.model, loaded, options.bos);
  require_in_embedding(input);
  const text::Corpus corpus = text::read_corpus(options.corpus, options.selection);
  if (std::ssize(corpus.rows) < options.selection.samples) {
    core::log_warn(concat("the corpus has ", corpus.rows.size(), " rows of ", options.selection.min_chars,
                          " < characters < ", options.selection.max_chars, ", fewer than the ",
                          options.selection.samples, " asked for: all of them are used"));
  }
  std::int64_t wordless = 0, first_wordless = 0;
  for (const text::CorpusRow& row : corpus.rows) {
    input.corpus_lines.push_back(row.line);
    input.characters.push_back(row.characters);
    input.tokens.push_back(text::encode(*loaded.tokenizer, row.text, input.special));
    core::beat();
    const std::int64_t length = text_end(input, input.tokens.back());
    if (length == 0) {
      throw bad_input("a row of the corpus has no tokens", concat("line ", row.line, " from 0"),
                      "check the tokenizer");
    }
    if (length == input.leading() && wordless++ == 0) first_wordless = row.line;
    if (length > input.shape().positions) {
      throw bad_input("a row of the corpus is longer than the model's context",
                      concat("line ", row.line, " from 0: ", length, " tokens, max_position_embeddings is ",
                             input.shape().positions),
                      "lower --max-chars");
    }
  }
  if (wordless > 0) {
    core::log_warn(concat("rows of the corpus without a token of their own: ", wordless,
                          ", the first in line ", first_wordless, " from 0: ",
                          options.tokens == Tokens::all ? "they have nothing to measure"
                                                        : "what stands in front of them is measured"));
  }
}

/// Place of the one token that `--tokens random` measures in a sample whose text ends at `length` tokens, of
/// which `leading` are special: not among the first eight, which have little before them, where there are
/// others.
std::int64_t random_position(std::int64_t seed, std::int64_t line, std::int64_t length,
                             std::int64_t leading) {
  const std::int64_t first = std::max<std::int64_t>(8, leading);
  if (length <= first) return length - 1;
  const auto key = static_cast<std::uint64_t>(line);
  core::Random random(core::narrow<std::uint64_t>(seed), core::Purpose::token_position,
                      static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32));
  return first + random.below(core::narrow<std::uint32_t>(length - first));
}

/// Fills in what is measured, and so what runs.
void choose_tokens(const TraceOptions& options, TraceInput& input) {
  input.run_lengths.clear();
  for (const auto& ids : input.tokens) input.run_lengths.push_back(text_end(input, ids));
  if (options.tokens == Tokens::random) {
    for (std::size_t n = 0; n < input.tokens.size(); ++n) {
      input.run_lengths[n] =
          random_position(options.seed, input.corpus_lines[n], input.run_lengths[n], input.leading()) + 1;
    }
  }
  if (options.tokens == Tokens::all) input.measured = model::Measured::all_tokens;
  if (input.row_count() == 0) {
    throw bad_input("no sample has a token to measure",
                    concat(input.samples(), " samples, of special tokens alone"),
                    "check corpus and tokenizer");
  }
}

template <class T>
void broadcast(const parallel::Communicator& ranks, std::vector<T>& values) {
  std::int64_t count = std::ssize(values);
  ranks.broadcast(std::as_writable_bytes(std::span(&count, 1)));
  values.resize(core::narrow<std::size_t>(count));
  ranks.broadcast(std::as_writable_bytes(std::span(values)));
}

void broadcast(const parallel::Communicator& ranks, std::vector<text::SpecialToken>& tokens) {
  tokens = text::special_tokens_from(ranks.broadcast(text::to_json(tokens)), "rank 0's special tokens");
}

}  // namespace

std::vector<std::int64_t> TraceInput::lengths() const {
  std::vector<std::int64_t> all;
  for (const auto& ids : tokens) all.push_back(std::ssize(ids));
  return all;
}

std::int64_t TraceInput::token_count() const {
  const std::vector<std::int64_t> all = lengths();
  return std::accumulate(all.begin(), all.end(), std::int64_t{0});
}

std::int64_t TraceInput::run_token_count() const {
  return std::accumulate(run_lengths.begin(), run_lengths.end(), std::int64_t{0});
}

std::vector<std::int64_t> TraceInput::positions() const {
  std::vector<std::int64_t> places;
  for (std::size_t n = 0; n < run_lengths.size(); ++n) {
    const std::int64_t count = rows_of(core::Sample(core::narrow<std::int64_t>(n)));
    for (std::int64_t place = run_lengths[n] - count; place < run_lengths[n]; ++place)
      places.push_back(place);
  }
  return places;
}

std::int64_t TraceInput::rows_of(core::Sample sample) const {
  if (measured == model::Measured::last_token) return 1;
  return run_lengths[core::narrow<std::size_t>(sample.value())] - leading();
}

std::int64_t TraceInput::row_count() const {
  if (measured == model::Measured::last_token) return samples();
  return run_token_count() - leading() * samples();
}

TraceInput read_trace_input(const TraceOptions& options) {
  TraceInput input;
  read_weights(options, input);
  read_samples(options, input);
  choose_tokens(options, input);
  return input;
}

TraceInput read_trace_input(const TraceOptions& options, const parallel::Communicator& ranks) {
  TraceInput input;
  parallel::agree(ranks, "reading the model's configuration", [&] { read_weights(options, input); });
  parallel::agree(ranks, "reading the corpus", [&] {
    if (ranks.is_root()) read_samples(options, input);
  });
  std::vector<std::int64_t> lengths = input.lengths();
  std::vector<std::int32_t> joined;
  for (const auto& ids : input.tokens) joined.insert(joined.end(), ids.begin(), ids.end());
  broadcast(ranks, input.corpus_lines);
  broadcast(ranks, input.characters);
  broadcast(ranks, lengths);
  broadcast(ranks, joined);
  input.tokenizer_file = ranks.broadcast(input.tokenizer_file);
  broadcast(ranks, input.special.leading);
  broadcast(ranks, input.special.trailing);
  if (!ranks.is_root()) {
    auto next = joined.begin();
    for (const std::int64_t length : lengths) {
      input.tokens.emplace_back(next, next + length);
      next += length;
    }
  }
  parallel::agree(ranks, "choosing the tokens", [&] { choose_tokens(options, input); });
  return input;
}

}  // namespace orrery::trace
