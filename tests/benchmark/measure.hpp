#pragma once

#include "orrery/core/concat.hpp"
#include "orrery/model/llama.hpp"
#include "orrery/model/safetensors.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/parallel/environment.hpp"
#include "orrery/text/corpus.hpp"
#include "orrery/text/tokenizer.hpp"

#include <ATen/Parallel.h>
#include <boost/program_options.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <functional>
#include <string>
#include <vector>

// What the benchmarks share: a clock, a model in memory, a corpus as tokens, and `main`.
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
  model::LlamaDescription description;
  model::LlamaConfig config;
  model::Checkpoint checkpoint;
  model::Llama llama;

  /// Collective.
  LoadedModel(const std::string& folder, model::DType dtype, model::Head head,
              const parallel::Communicator& ranks)
      : node(ranks.split_by_node()),
        description(model::read_llama_config(folder)),
        config(description.config()),
        checkpoint(folder),
        llama(description, checkpoint,
              {{dtype, model::DType::float32},
               model::Measured::last_token,
               at::kCPU,
               model::Residency::all_layers,
               head},
              ranks, node) {}
  ~LoadedModel() { llama.free(); }
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

using Options = boost::program_options::variables_map;

/// A benchmark's `main`: starts MPI, reads the command line and hands it to `run`, one thread to each
/// product. `own` are its options beside those that all have. Returns the exit code; says in a line what went
/// wrong.
inline int main_of(int argc, char** argv, const boost::program_options::options_description& own,
                   const std::function<void(const Options&)>& run) {
  namespace po = boost::program_options;
  po::options_description options("Prints ratios measured in this run");
  auto add = options.add_options();
  add("help", "prints this");
  add("model", po::value<std::string>()->required(), "folder of a Llama");
  add("corpus", po::value<std::string>()->required(), "text, a sample a line");
  add("dtype", po::value<std::string>()->default_value("float32"), "of weights and products");
  add("repetitions", po::value<int>()->default_value(5), "of which the median counts");
  options.add(own);
  try {
    parallel::Environment environment(argc, argv);
    po::variables_map given;
    po::store(po::parse_command_line(argc, argv, options), given);
    if (given.contains("help")) {
      std::printf("%s", core::concat(options).c_str());
      return 0;
    }
    po::notify(given);
    at::set_num_threads(1);
    run(given);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
}

inline model::DType dtype_of(const Options& given) {
  return model::dtype_from(given["dtype"].as<std::string>(), "dtype");
}

}  // namespace orrery::benchmark
