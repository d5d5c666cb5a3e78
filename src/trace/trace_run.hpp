#pragma once

#include "orrery/core/progress.hpp"
#include "orrery/core/stop_flag.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/run/done_blocks.hpp"
#include "orrery/run/resources.hpp"
#include "orrery/run/stopwatch.hpp"
#include "orrery/run/watchdog.hpp"
#include "orrery/statistics/streamed_statistics.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "orrery/trace/plan.hpp"
#include "orrery/trace/trace_input.hpp"
#include "orrery/trace/trace_options.hpp"
#include "trace_forward.hpp"
#include "trace_work.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace orrery::trace {

/// One trace from beginning to end; its members live through the phases.
class TraceRun {
 public:
  TraceRun(TraceOptions options, const std::string& command, const parallel::Communicator& ranks,
           core::ProgressSink& progress, run::Watchdog& watchdog)
      : options_(std::move(options)),
        command_(command),
        ranks_(ranks),
        node_(ranks.split_by_node()),
        progress_(progress),
        watchdog_(watchdog),
        work_(ranks, options_.machine) {}

  /// Collective.
  void run();

 private:
  void prepare();
  void take_output();
  void compute();
  void keep_rows(TraceForward& forward);
  void stream_rows(TraceForward& forward);
  bool restore(statistics::StreamedStatistics& streamed);
  void run_pilot(TraceForward& forward, statistics::StreamedStatistics& streamed);
  using Round =
      std::function<std::vector<run::DoneBlock>(const std::vector<std::int64_t>&, core::ProgressSink&)>;
  void run_rounds(const std::string& name, std::vector<std::int64_t> left, const Round& run_round);
  std::vector<std::int64_t> share_of(const std::vector<std::int64_t>& tiles) const;
  std::vector<std::int64_t> left_of(const std::vector<std::int64_t>& done) const;
  bool is_cut() const { return core::stop_requested() || work_.clock().is_over(); }
  void write();
  std::vector<archive::Attribute> timing() const;
  run::FinalMetadata final_metadata();

  TraceOptions options_;
  const std::string& command_;
  const parallel::Communicator& ranks_;
  parallel::Communicator node_;
  core::ProgressSink& progress_;
  run::Watchdog& watchdog_;
  run::Stopwatch watch_, whole_;

  run::Resources resources_;
  run::PlannedRanks planned_;
  TraceInput input_;
  TracePlan plan_;
  TraceWork work_;
  statistics::SampleShard rows_;  // where rows are kept
  statistics::TraceStatistics statistics_;
  std::vector<std::int64_t> all_tiles_;
  std::vector<std::int64_t> peak_bytes_;  // by rank, on rank 0
  std::int64_t passes_ = 1;               // forwards over the whole corpus
  std::int64_t resumed_ = 0, tokens_run_ = 0;
  double load_seconds_ = 0, forward_seconds_ = 0, statistics_seconds_ = 0, write_seconds_ = 0;
};

}  // namespace orrery::trace
