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
#include "orrery/parallel/agreement.hpp"
#include "orrery/statistics/streamed_statistics.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "orrery/study/plan.hpp"
#include "orrery/study/resources.hpp"
#include "orrery/study/trace_input.hpp"
#include "part_progress.hpp"
#include "provenance.hpp"
#include "stopwatch.hpp"
#include "trace_forward.hpp"
#include "trace_writer.hpp"

#include <filesystem>
#include <future>
#include <optional>

namespace orrery::study {
namespace {

using core::concat;

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
    } catch (const parallel::AgreedError& error) {
      // After a failed write the file stays open (SharedFile); after any other error all ranks are here.
      if (file_ && file_->is_open() && error.code() != core::ExitCode::io) file_->close();
      if (output_) output_->discard();
      throw;
    }
    finish();
  }

 private:
  void prepare();
  void compute();
  void keep_rows(TraceForward& forward);
  void stream_rows(TraceForward& forward);
  void open_file();
  void write();
  void finish();
  const std::vector<std::vector<std::int64_t>>& own_rounds() const;
  core::Phase phase(std::string name) const;
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
  std::optional<archive::Output> output_;    // on rank 0
  std::optional<archive::SharedFile> file_;  // from the first write to the last
  std::future<InputHashes> hashes_;          // on rank 0, taken while tiles run
  statistics::SampleShard rows_;             // where rows are kept
  statistics::TraceStatistics statistics_;
  std::int64_t passes_ = 1;  // forwards over the whole corpus
  double load_seconds_ = 0, forward_seconds_ = 0, statistics_seconds_ = 0, write_seconds_ = 0;
};

/// Reads and checks everything small, decides, and makes room for the output: all that can fail before
/// computing.
void Trace::prepare() {
  parallel::agree(ranks_, "checking the options", [&] { options_.validate(); });
  resources_ = find_resources(options_.machine, ranks_, node_);
  if (!options_.dtype) {
    options_.dtype = resources_.device.is_cuda() ? model::DType::bfloat16 : model::DType::float32;
  }
  input_ = read_trace_input(options_, ranks_);
  const PlannedRanks planned = planned_ranks(resources_, ranks_, node_);
  parallel::agree(ranks_, "planning", [&] {
    plan_ = plan_trace(input_, options_, planned);
    require_memory(plan_, planned);
    layout_ = layout_of(input_, options_, ranks_.size());
    for (archive::Attribute& attribute : provenance(options_, input_, resources_, command_, ranks_.size())) {
      layout_.attributes.push_back(std::move(attribute));
    }
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
  TraceForward forward(options_, input_, plan_, resources_, ranks_, node_);
  // Not before the weights are read: the files are in the node's cache then, and not fetched twice at once.
  if (ranks_.is_root()) {
    hashes_ = std::async(std::launch::async, hash_inputs, std::cref(options_), std::cref(input_));
  }
  load_seconds_ = watch_.lap();
  if (plan_.moments == Moments::rows) {
    keep_rows(forward);
  } else {
    stream_rows(forward);
  }
}

/// A pass over the corpus.
core::Phase Trace::phase(std::string name) const {
  return {std::move(name), std::ssize(plan_.tiles), "tiles", input_.run_token_count(), "tokens"};
}

void Trace::keep_rows(TraceForward& forward) {
  progress_.begin(phase("forward"));
  rows_ = forward.rows(plan_.shares[static_cast<std::size_t>(ranks_.rank())], progress_);
  progress_.end();
  forward.free();
  forward_seconds_ = watch_.lap();
  core::log_info("statistics");
  statistics_ = statistics::trace_statistics(ranks_, rows_, extent_of(input_),
                                             statistics_options(options_, resources_.threads));
  statistics_seconds_ = watch_.lap();
}

const std::vector<std::vector<std::int64_t>>& Trace::own_rounds() const {
  return plan_.rounds[static_cast<std::size_t>(ranks_.rank())];
}

/// Rows pass by in rounds, in as many passes as the plan has, and in a last one for their scores.
void Trace::stream_rows(TraceForward& forward) {
  const auto run_round = [&](const std::vector<std::int64_t>& tiles, core::ProgressSink& progress) {
    statistics_seconds_ += watch_.lap();
    statistics::SampleShard rows = forward.rows(tiles, progress);
    forward_seconds_ += watch_.lap();
    return rows;
  };
  const auto pass = [&](const std::string& name, const auto& take) {
    progress_.begin(phase(name));
    const auto rounds = std::ssize(own_rounds());
    for (std::int64_t round = 0; round < rounds; ++round) {
      PartProgress part(progress_, round, rounds);
      const statistics::SampleShard rows = run_round(own_rounds()[static_cast<std::size_t>(round)], part);
      parallel::agree(ranks_, "statistics of a round", [&] { take(rows); });
    }
    progress_.end();
  };
  statistics::StreamedStatistics streamed(
      ranks_, extent_of(input_),
      {statistics_options(options_, resources_.threads), options_.tokens == Tokens::all, plan_.point_groups});
  core::SilentProgress silent;
  for (const auto& tiles : plan_.pilots[static_cast<std::size_t>(ranks_.rank())]) {
    const statistics::SampleShard rows = run_round(tiles, silent);
    parallel::agree(ranks_, "the pilot", [&] { streamed.add_pilot(rows); });
  }
  streamed.end_pilot();
  while (streamed.wants_rows()) {
    pass(concat("forward, pass ", streamed.passes() + 1),
         [&](const statistics::SampleShard& rows) { streamed.add(rows); });
    core::log_info("statistics");
    streamed.end_pass();
    if (streamed.passes() > plan_.point_groups && streamed.wants_rows())
      core::log_info("some values lie far beyond the pilot's: the pass is made again, with finer quanta");
  }
  open_file();
  pass("forward, scores", [&](const statistics::SampleShard& rows) {
    const at::Tensor scores = streamed.add_scores(rows);
    if (options_.tokens != Tokens::all) write_scores(*file_, rows.samples, scores);
  });
  passes_ = streamed.passes() + 1;
  forward.free();
  statistics_ = streamed.finish();
  statistics_seconds_ += watch_.lap();
}

void Trace::open_file() {
  const std::string path = ranks_.broadcast(output_ ? output_->file().string() : std::string());
  file_.emplace(ranks_, path, layout_);
}

void Trace::write() {
  if (!file_) open_file();
  const bool kept = plan_.moments == Moments::rows && options_.store == Store::rows;
  parallel::agree(ranks_, "writing the file", [&] {
    write_trace(*file_, ranks_.is_root(), input_, options_, statistics_, kept ? &rows_ : nullptr);
    const std::int64_t peak = core::peak_resident_bytes();
    file_->write("/timing/peak_bytes", {{ranks_.rank()}, {1}}, std::span(&peak, 1));
  });
  file_->close();
  file_->read_back();
  file_.reset();
  write_seconds_ = watch_.lap();
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
          at("total_seconds", whole_.seconds()),
          at("tokens", tokens),
          at("passes", passes_),
          at("tokens_per_second", static_cast<double>(tokens * passes_) / forward_seconds_)};
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
  const InputHashes hashes = hashes_.get();
  std::vector<archive::Attribute> attributes = timing();
  attributes.push_back({"/", "model_sha256", hashes.model});
  attributes.push_back({"/", "tokenizer_sha256", hashes.tokenizer});
  attributes.push_back({"/", "corpus_sha256", hashes.corpus});
  if (options_.tokens == Tokens::all) {
    const statistics::RowSeries& straightness = statistics_.rows.straightness;
    attributes.push_back({"/geometry", "straightness_mean", straightness.mean.front()});
    attributes.push_back({"/geometry", "straightness_std", straightness.standard_deviation.front()});
  }
  for (const statistics::Headline::Entry& entry : statistics_.headline.entries) {
    attributes.push_back({"/headline", entry.name, entry.value});
    if (plan_.moments == Moments::streaming) continue;  // no standard errors: `not_computed` says so
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
