#include "orrery/study/trace.hpp"

#include "orrery/archive/checksum.hpp"
#include "orrery/archive/file_builder.hpp"
#include "orrery/archive/finish.hpp"
#include "orrery/archive/output.hpp"
#include "orrery/archive/shared_file.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/log.hpp"
#include "orrery/core/machine.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/core/sha256.hpp"
#include "orrery/core/version.hpp"
#include "orrery/model/capture.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/forward_pass.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "orrery/study/libraries.hpp"
#include "orrery/study/plan.hpp"
#include "orrery/study/resources.hpp"
#include "orrery/study/trace_input.hpp"
#include "trace_writer.hpp"

#include <ATen/ops/empty.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <optional>

namespace orrery::study {
namespace {

using core::concat;

/// Seconds since it was made or last asked.
class Stopwatch {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

struct Hashes {
  std::string model;
  std::string tokenizer;
  std::string corpus;
};

Hashes hash_inputs(const TraceOptions& options, const TraceInput& input) {
  std::vector<std::string> names;
  if (input.checkpoint) names = input.checkpoint->files();
  names.emplace_back("config.json");
  return {core::sha256_of_files(options.model, std::move(names)),
          core::sha256_of_file(options.model / input.tokenizer_file), core::sha256_of_file(options.corpus)};
}

/// "a, b, …", in order of ranks.
std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

/// One trace from beginning to end; its members live through the phases.
class Trace {
 public:
  Trace(TraceOptions options, const std::string& command, const parallel::Communicator& ranks,
        core::ProgressSink& progress)
      : options_(std::move(options)),
        command_(command),
        ranks_(ranks),
        node_(ranks.split_by_node()),
        progress_(progress) {}

  void run() {
    prepare();
    try {
      compute();
      write();
    } catch (const parallel::AgreedError&) {
      if (output_) output_->discard();
      throw;
    }
    finish();
  }

 private:
  void prepare();
  void compute();
  void write();
  void finish();
  PlannedRanks planned_ranks() const;
  std::vector<archive::Attribute> provenance() const;
  std::vector<archive::Attribute> timing() const;
  std::vector<archive::Attribute> last_attributes();

  TraceOptions options_;
  const std::string& command_;
  const parallel::Communicator& ranks_;
  parallel::Communicator node_;
  core::ProgressSink& progress_;
  Stopwatch watch_;
  Stopwatch whole_;

  Resources resources_;
  TraceInput input_;
  TracePlan plan_;
  archive::Layout layout_;
  std::optional<archive::Output> output_;  // on rank 0
  std::future<Hashes> hashes_;             // on rank 0, taken while tiles run
  statistics::SampleShard rows_;
  statistics::TraceStatistics statistics_;
  double load_seconds_ = 0, forward_seconds_ = 0, statistics_seconds_ = 0, write_seconds_ = 0;
};

PlannedRanks Trace::planned_ranks() const {
  PlannedRanks planned;
  planned.ranks = ranks_.size();
  planned.ranks_a_node = static_cast<int>(ranks_.max(std::int64_t{node_.size()}));
  planned.threads = static_cast<int>(ranks_.max(std::int64_t{resources_.threads}));
  planned.gpu = resources_.device.is_cuda();
  planned.process_bytes = ranks_.max(core::peak_resident_bytes());
  // What the processes have already is no longer available, and is in the plan.
  const std::int64_t available = ranks_.min(core::available_memory());
  if (available > 0) planned.available_bytes = available + planned.process_bytes * planned.ranks_a_node;
  return planned;
}

/// Reads and checks everything small, decides, and makes room for the output: all that can fail before
/// computing.
void Trace::prepare() {
  parallel::agree(ranks_, "checking the options", [&] { options_.validate(); });
  resources_ = find_resources(options_, ranks_, node_);
  if (!options_.dtype) {
    options_.dtype = resources_.device.is_cuda() ? model::DType::bfloat16 : model::DType::float32;
  }
  input_ = read_trace_input(options_, ranks_);
  const PlannedRanks planned = planned_ranks();
  parallel::agree(ranks_, "planning", [&] {
    if (moments_of(options_, input_) == Moments::streaming) {
      throw core::internal_error("streaming moments are not built in", "--moments streaming, or --tokens all",
                                 "use --moments rows and one token a sample");
    }
    plan_ = plan_trace(input_, options_, planned);
    require_memory(plan_, planned);
    layout_ = layout_of(input_, options_, ranks_.size());
    for (archive::Attribute& attribute : provenance()) layout_.attributes.push_back(std::move(attribute));
  });
  try {
    parallel::agree(ranks_, "making the output file", [&] {
      if (!ranks_.is_root()) return;
      output_.emplace(options_.out, options_.existing);
      archive::build_file(output_->file(), layout_);
      output_->reserve(core::narrow<std::int64_t>(std::filesystem::file_size(output_->file())));
    });
  } catch (const parallel::AgreedError&) {
    if (output_) output_->discard();
    throw;
  }
  core::log_info(concat(input_.samples(), " samples of ", input_.run_token_count(), " tokens in ",
                        plan_.tiles.size(), " tiles, ", ranks_.size(),
                        ranks_.size() == 1 ? " rank of " : " ranks of ", resources_.threads,
                        resources_.threads == 1 ? " thread, " : " threads, ", resources_.device.str(), ", ",
                        model::name_of(*options_.dtype)));
}

void Trace::compute() {
  const model::DType dtype = *options_.dtype;
  const model::Llama llama(input_.config, dtype, options_.residual, input_.measured, resources_.device);
  const model::LlamaWeights::Placement placement = {
      dtype, llama.norm_dtype(), resources_.device,
      plan_.order == schedule::Order::tiles ? model::Residency::all_layers : model::Residency::one_layer,
      model::Head::none};
  model::LlamaWeights weights(input_.config, input_.weights(), placement, ranks_, node_);
  // Not before the weights are read: the files are in the node's cache then, and not fetched twice at once.
  if (ranks_.is_root()) hashes_ = std::async(std::launch::async, hash_inputs, options_, input_);
  load_seconds_ = watch_.lap();

  std::vector<schedule::Tile> mine;
  std::vector<std::int64_t> first_row;
  for (const std::int64_t tile : plan_.shares[static_cast<std::size_t>(ranks_.rank())]) {
    mine.push_back(plan_.tiles[static_cast<std::size_t>(tile)]);
    first_row.push_back(std::ssize(rows_.samples));
    rows_.samples.insert(rows_.samples.end(), mine.back().samples.begin(), mine.back().samples.end());
  }
  const statistics::Extent extent = extent_of(input_);
  const at::ScalarType kept = options_.residual == model::DType::float64 ? at::kDouble : at::kFloat;
  parallel::agree(ranks_, "making room for the rows", [&] {
    rows_.x = at::empty({std::ssize(rows_.samples), extent.points, extent.units}, kept);
  });
  const auto capture = [&](std::int64_t tile) {
    const auto count = std::ssize(mine[static_cast<std::size_t>(tile)].samples);
    return std::make_unique<model::Capture>(
        rows_.x.narrow(0, first_row[static_cast<std::size_t>(tile)], count));
  };
  progress_.begin("forward", std::ssize(plan_.tiles), input_.run_token_count());
  schedule::ForwardPass pass(llama, weights, plan_.order, resources_.threads);
  pass.run(ranks_, mine, input_.forward_samples(), capture, progress_);
  progress_.end();
  weights.free();
  parallel::agree(ranks_, "checking the activations", [&] { statistics::check_finite(rows_); });
  forward_seconds_ = watch_.lap();

  core::log_info("statistics");
  statistics_ =
      statistics::trace_statistics(ranks_, rows_, extent, {options_.components, resources_.threads});
  statistics_seconds_ = watch_.lap();
}

void Trace::write() {
  const std::string path = ranks_.broadcast(output_ ? output_->file().string() : std::string());
  archive::SharedFile file(ranks_, path, layout_);
  parallel::agree(ranks_, "writing the file", [&] {
    write_trace(file, ranks_.is_root(), input_, statistics_, options_.store == Store::rows ? &rows_ : nullptr,
                input_.config.points());
    const std::int64_t peak = core::peak_resident_bytes();
    file.write("/timing/peak_bytes", {{ranks_.rank()}, {1}}, std::span(&peak, 1));
  });
  file.close();
  file.read_back();
  write_seconds_ = watch_.lap();
}

std::vector<archive::Attribute> Trace::provenance() const {
  const model::LlamaConfig& c = input_.config;
  const auto root = [](const char* name, archive::AttributeValue value) {
    return archive::Attribute{"/", name, std::move(value)};
  };
  return {
      root("program_version", core::program_version()),
      root("git_commit", core::git_commit()),
      root("libraries", libraries()),
      root("config", to_ini(options_)),
      root("command", command_),
      root("created_utc", core::utc_now()),
      root("ranks", std::int64_t{ranks_.size()}),
      root("threads", std::int64_t{resources_.threads}),
      root("devices", joined(resources_.devices)),
      root("hosts", joined(resources_.hosts)),
      root("job_id", core::job_id()),
      root("architecture", c.architecture),
      root("layers", c.layers),
      root("hidden_size", c.width),
      root("heads", c.heads),
      root("kv_heads", c.kv_heads),
      root("vocab_size", c.vocabulary),
      root("dtype", model::name_of(*options_.dtype)),
      root("residual_dtype", model::name_of(options_.residual)),
      root("model_name", options_.model.filename().empty() ? options_.model.parent_path().filename().string()
                                                           : options_.model.filename().string()),
      root("corpus_name", options_.corpus.filename().string())};
}

std::vector<archive::Attribute> Trace::timing() const {
  const auto at = [](const char* name, archive::AttributeValue value) {
    return archive::Attribute{"/timing", name, std::move(value)};
  };
  const std::int64_t tokens = input_.run_token_count();
  return {at("load_seconds", load_seconds_),
          at("forward_seconds", forward_seconds_),
          at("statistics_seconds", statistics_seconds_),
          at("write_seconds", write_seconds_),
          at("total_seconds", Stopwatch(whole_).lap()),
          at("tokens", tokens),
          at("tokens_per_second", static_cast<double>(tokens) / forward_seconds_)};
}

/// What is known only now, checksums, the mark of completeness, and the final name.
void Trace::finish() {
  parallel::agree(ranks_, "finishing the file", [&] {
    if (ranks_.is_root()) archive::set_attributes(output_->file(), last_attributes());
  });
  archive::write_checksums(ranks_, output_ ? output_->file() : "");
  parallel::agree(ranks_, "publishing the file", [&] {
    if (!ranks_.is_root()) return;
    archive::mark_complete(output_->file());
    output_->publish();
  });
}

/// On rank 0.
std::vector<archive::Attribute> Trace::last_attributes() {
  const Hashes hashes = hashes_.get();
  std::vector<archive::Attribute> attributes = timing();
  attributes.push_back({"/", "model_sha256", hashes.model});
  attributes.push_back({"/", "tokenizer_sha256", hashes.tokenizer});
  attributes.push_back({"/", "corpus_sha256", hashes.corpus});
  for (const statistics::Headline::Entry& entry : statistics_.headline.entries) {
    attributes.push_back({"/headline", entry.name, entry.value});
    attributes.push_back({"/headline", entry.name + "_se", entry.standard_error});
  }
  return attributes;
}

}  // namespace

void run_trace(TraceOptions options, const std::string& command, const parallel::Communicator& ranks,
               core::ProgressSink& progress) {
  Trace(std::move(options), command, ranks, progress).run();
}

}  // namespace orrery::study
