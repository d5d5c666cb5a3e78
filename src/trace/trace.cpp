#include "orrery/trace/trace.hpp"

#include "kept_rows.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/log.hpp"
#include "orrery/core/sha256.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/run/identity.hpp"
#include "orrery/run/work.hpp"
#include "orrery/statistics/row_statistic.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "orrery/trace/plan.hpp"
#include "orrery/trace/trace_input.hpp"
#include "row_store.hpp"
#include "running_trace.hpp"
#include "streamed_rows.hpp"
#include "trace_forward.hpp"
#include "trace_provenance.hpp"
#include "trace_writer.hpp"

#include <numeric>
#include <utility>
#include <vector>

namespace orrery::trace {
namespace {

using core::concat;

/// One trace from beginning to end; its members live through the phases.
class TraceRun {
 public:
  TraceRun(TraceOptions options, run::Context& context)
      : options_(std::move(options)),
        context_(context),
        ranks_(context.ranks),
        work_(context, {"forward", "statistics"}) {}

  /// Collective.
  void run() {
    prepare();
    work_.attempt([&] {
      take_output();
      compute();
      write();
      work_.publish([&] { return appendix(); });
    });
  }

 private:
  void prepare();
  void plan(std::int64_t point_groups);
  run::Job job();
  run::Identity inputs() const;
  void take_output();
  void compute();
  void write();
  run::Appendix appendix();

  TraceOptions options_;
  run::Context& context_;
  const parallel::Communicator& ranks_;
  run::PlannedRanks planned_;
  TraceInput input_;
  TracePlan plan_;
  run::Work work_;
  archive::Layout by_rank_;  // what is known of each rank only at the end
  statistics::TraceStatistics statistics_;
  std::int64_t passes_ = 1;
  std::int64_t tokens_run_ = 0;  // by all ranks
};

/// Reads and checks everything small, and decides: all that can fail before the output is touched.
void TraceRun::prepare() {
  parallel::agree(ranks_, "checking the options", [&] { options_.validate(); });
  if (!options_.dtype) {
    options_.dtype = context_.resources.device.is_cpu() ? model::DType::float32 : model::DType::bfloat16;
  }
  input_ = read_trace_input(options_, ranks_);
  core::log_info(concat("special tokens: ", text::described(input_.special)));
  planned_ = run::planned_ranks(context_.resources, ranks_, context_.node);
  plan(/*point_groups=*/0);
}

/// Collective: as plan_trace.
void TraceRun::plan(std::int64_t point_groups) {
  parallel::agree(ranks_, "planning", [&] {
    plan_ = plan_trace(input_, options_, planned_, point_groups);
    require_memory(plan_, planned_);
  });
}

run::Identity TraceRun::inputs() const {
  return {{run::input_name("tokenizer"), core::sha256_of_file(options_.model / input_.tokenizer_file)},
          {run::input_name("corpus"), core::sha256_of_file(options_.corpus)},
          {run::input_name(run::special_tokens_input), text::described(input_.special)}};
}

run::Job TraceRun::job() {
  run::Job job;
  job.unit = "tile";
  job.units.resize(plan_.tiles.size());
  std::iota(job.units.begin(), job.units.end(), std::int64_t{0});
  job.layout = layout_of(input_, options_, /*ranks=*/1);
  // A run may go on with other ranks.
  by_rank_ = archive::split_off(job.layout, "/timing/peak_bytes");
  if (plan_.moments == Moments::rows && options_.store == Store::none)
    job.rows_layout = rows_layout(input_, options_);
  job.config = to_ini(options_);
  job.free_options = free_options();
  job.attributes = input_attributes(options_, input_);
  job.make_output = [this] { return archive::Output(options_.out, options_.existing); };
  job.inputs = [this] { return inputs(); };
  return job;
}

void TraceRun::take_output() {
  work_.take(job());
  if (plan_.moments == Moments::streaming) {
    const std::int64_t groups = work_.choose("point_groups", plan_.point_groups);
    if (groups != plan_.point_groups) plan(groups);
    parallel::agree(ranks_, "room for sums", [&] {
      if (!ranks_.is_root()) return;
      work_.file().output().require_room_for_states(statistics::StreamedStatistics::saved_bytes(
          extent_of(input_), streaming_options(input_, options_, context_.resources.at_once.threads, groups),
          ranks_.size()));
    });
  }
  const run::Concurrency& at_once = context_.resources.at_once;
  core::log_info(concat(input_.samples(), " samples of ", input_.run_token_count(), " tokens in ",
                        plan_.tiles.size(), " tiles, ", ranks_.size(),
                        ranks_.size() == 1 ? " rank of " : " ranks of ", at_once.threads,
                        at_once.threads == 1 ? " thread, " : " threads, ", context_.resources.device.str(),
                        ", ", model::name_of(*options_.dtype)));
}

void TraceRun::compute() {
  work_.open();
  TraceForward forward(options_, input_, plan_, context_);
  work_.hash_model(
      [this](const std::stop_token& stop) { return run::hash_model(options_.model, input_, stop); });
  RunningTrace trace{context_, options_, input_, plan_, work_, forward};
  statistics_ =
      plan_.moments == Moments::rows ? statistics_of_kept_rows(trace) : statistics_of_streamed_rows(trace);
  passes_ = trace.passes;
  tokens_run_ = ranks_.sum(trace.tokens_run);
}

void TraceRun::write() {
  parallel::agree(ranks_, "writing the file", [&] {
    const statistics::Extent extent = extent_of(input_);
    const statistics::StatisticsOptions options =
        statistics_options(input_, options_, context_.resources.at_once.threads);
    write_trace(work_.file().shared(), {ranks_, extent, options}, input_, statistics_);
  });
  work_.close();
}

/// On rank 0: what is known only now.
run::Appendix TraceRun::appendix() {
  std::vector<archive::Attribute> attributes;
  const double seconds = work_.timing().seconds("forward");
  attributes.push_back({"/timing", "tokens", input_.run_token_count()});
  attributes.push_back({"/timing", "passes", passes_});
  attributes.push_back(
      {"/timing", "tokens_per_second", seconds > 0 ? static_cast<double>(tokens_run_) / seconds : 0});
  for (const char* input : {"model", "tokenizer", "corpus"})
    attributes.push_back({"/", concat(input, "_sha256"), work_.identity().at(run::input_name(input))});
  if (options_.tokens == Tokens::all) {
    const statistics::RowSeries& straightness = statistics_.moments.rows.of(statistics::row_straightness);
    attributes.push_back({"/geometry", "straightness_mean", straightness.mean.front()});
    attributes.push_back({"/geometry", "straightness_std", straightness.standard_deviation.front()});
  }
  for (const statistics::Headline::Entry& entry : statistics_.headline.entries) {
    attributes.push_back({"/headline", entry.name, entry.value});
    if (plan_.moments == Moments::streaming) continue;  // no standard errors: `not_computed` says so
    attributes.push_back({"/headline", entry.name + "_se", entry.standard_error});
  }
  archive::Layout peaks = by_rank_;
  peaks.scales.front().length = std::ssize(work_.peak_bytes());
  peaks.datasets.front().values = work_.peak_bytes();
  return {std::move(attributes), std::move(peaks)};
}

}  // namespace

void require_done(const TraceOptions& options) {
  run::Identity earlier = identity_of_trace(archive::Reader(options.out));
  run::Identity now = identity_of(options);
  // The default is the device's, and so not known yet.
  if (!options.dtype) earlier.erase(run::option_name("trace", "dtype"));
  for (const auto& [name, hash] : hashes_of_inputs(options)) now[run::input_name(name)] = hash;
  // A file of an earlier version does not say.
  if (const std::string name = run::input_name(run::special_tokens_input); earlier.contains(name)) {
    const text::LoadedTokenizer loaded = text::load_tokenizer(options.model);
    now[name] = text::described(text::special_tokens(options.model, loaded, options.bos));
  }
  run::require_same(earlier, now, options.out.string());
}

void run_trace(TraceOptions options, run::Context& context) {
  TraceRun(std::move(options), context).run();
}

}  // namespace orrery::trace
