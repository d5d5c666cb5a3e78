#pragma once

#include "orrery/core/index.hpp"
#include "orrery/model/transformer.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/run/model_input.hpp"
#include "orrery/schedule/forward_pass.hpp"
#include "orrery/text/special_tokens.hpp"
#include "orrery/trace/trace_options.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::trace {

/// What a run reads before it computes, checked: all but the weights themselves.
struct TraceInput : run::ModelInput {
  std::string tokenizer_file;                     ///< its name in the model folder
  std::vector<std::int64_t> corpus_lines;         ///< (samples) line of each in the corpus, from 0
  std::vector<std::int64_t> characters;           ///< (samples)
  std::vector<std::vector<std::int32_t>> tokens;  ///< (samples) ids of each, special ones counted
  text::SpecialTokens special;                    ///< what stands in front of each text, and behind it
  model::Measured measured = model::Measured::last_token;
  /// (samples) tokens of each that run: up to the last that is measured, as attention is causal. Never those
  /// behind the text.
  std::vector<std::int64_t> run_lengths;

  std::int64_t samples() const { return std::ssize(tokens); }
  /// Tokens of each sample, and of all.
  std::vector<std::int64_t> lengths() const;
  std::int64_t token_count() const;
  /// Tokens that run, over all samples.
  std::int64_t run_token_count() const;
  /// Special tokens in front of each text: 1 for BOS.
  std::int64_t leading() const { return std::ssize(special.leading); }
  /// (N) place of each row's token in its sample, special ones counted; rows are in order of samples.
  std::vector<std::int64_t> positions() const;
  /// Rows that a sample has: its measured tokens. One, but for all_tokens, with which one of special tokens
  /// alone has none.
  std::int64_t rows_of(core::Sample sample) const;
  /// N: rows of all samples.
  std::int64_t row_count() const;

  /// What the forward runs; refers to this.
  schedule::Samples forward_samples() const { return {tokens, run_lengths, leading()}; }
};

/// Reads config, the weights' headers (none with `--weights random`), tokenizer and corpus in this process,
/// and chooses the tokens that are measured: with `--tokens random` of a sample whose text ends at T tokens,
/// those in front counted, the one at 8 + Random(seed, token_position, line in the corpus).below(T − 8), or
/// the text's last where T ≤ 8. Of a text without tokens that is the last of those in front. Throws
/// bad_input naming file and fault, also where no sample has a token to measure; logs a warning where the
/// corpus has fewer rows than asked for, some have no tokens of their own, or the model's files disagree on
/// special tokens (text::special_tokens).
TraceInput read_trace_input(const TraceOptions& options);

/// Collective: the same on all ranks; rank 0 reads corpus and tokenizer, and the samples are broadcast.
TraceInput read_trace_input(const TraceOptions& options, const parallel::Communicator& ranks);

}  // namespace orrery::trace
