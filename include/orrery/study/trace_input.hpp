#pragma once

#include "orrery/model/llama_config.hpp"
#include "orrery/model/safetensors.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/study/trace_options.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace orrery::study {

/// What a run reads before it computes, checked: all but the weights themselves.
struct TraceInput {
  model::LlamaConfig config;
  std::optional<model::Checkpoint> checkpoint;
  std::string tokenizer_file;                     ///< its name in the model folder
  std::vector<std::int64_t> rows;                 ///< (N) line of each sample in the corpus, from 0
  std::vector<std::int64_t> characters;           ///< (N)
  std::vector<std::vector<std::int32_t>> tokens;  ///< (N) ids of each sample, BOS counted

  std::int64_t samples() const { return std::ssize(tokens); }
  /// Tokens of each sample, and of all.
  std::vector<std::int64_t> lengths() const;
  std::int64_t token_count() const;
};

/// Reads config, the weights' headers, tokenizer and corpus in this process. Throws bad_input naming file and
/// fault; logs a warning where the corpus has fewer rows than asked for.
TraceInput read_trace_input(const TraceOptions& options);

/// Collective: the same on all ranks; rank 0 reads corpus and tokenizer, and the samples are broadcast.
TraceInput read_trace_input(const TraceOptions& options, const parallel::Communicator& ranks);

}  // namespace orrery::study
