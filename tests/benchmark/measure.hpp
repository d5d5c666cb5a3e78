#pragma once

#include "orrery/model/llama.hpp"
#include "orrery/model/weights.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/text/corpus.hpp"
#include "orrery/text/tokenizer.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

// What the benchmarks share: a clock, a model in memory and a corpus as tokens.
namespace orrery::benchmark {

inline double seconds_of(const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The processor's seconds of this process: those of one thread's work, also where others take turns with it.
inline double processor_seconds_of(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double start = now();
  work();
  return now() - start;
}

inline double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// A model with all of its weights in memory, on the CPU.
struct LoadedModel {
  parallel::Communicator node;
  model::LlamaConfig config;
  model::Checkpoint checkpoint;
  model::Llama llama;
  model::LlamaWeights weights;

  /// Collective.
  LoadedModel(const std::string& folder, model::DType dtype, model::Head head,
              const parallel::Communicator& ranks)
      : node(ranks.split_by_node()),
        config(model::read_llama_config(folder)),
        checkpoint(folder),
        llama(config, dtype, model::DType::float32, model::Measured::last_token, at::kCPU),
        weights(config, checkpoint, {dtype, at::kFloat, at::kCPU, model::Residency::all_layers, head}, ranks,
                node) {}
  ~LoadedModel() { weights.free(); }
};

/// The rows of a corpus as tokens of the model in `folder`.
inline std::vector<std::vector<std::int32_t>> tokens_of(const std::string& corpus,
                                                        const std::string& folder) {
  const auto tokenizer = text::load_tokenizer(folder);
  std::vector<std::vector<std::int32_t>> tokens;
  for (const text::CorpusRow& row : text::read_corpus(corpus, {0, 100, 500}).rows)
    tokens.push_back(tokenizer.tokenizer->encode(row.text));
  return tokens;
}

}  // namespace orrery::benchmark
