#pragma once

#include "orrery/core/progress.hpp"
#include "orrery/run/context.hpp"
#include "orrery/run/work.hpp"
#include "orrery/trace/plan.hpp"
#include "orrery/trace/trace_input.hpp"
#include "orrery/trace/trace_options.hpp"
#include "trace_forward.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace orrery::trace {

/// A trace whose tiles run: what both ways to its statistics, from kept rows and from streamed ones, go by.
struct RunningTrace {
  const run::Context& context;
  const TraceOptions& options;
  const TraceInput& input;
  const TracePlan& plan;
  run::Work& work;
  TraceForward& forward;
  std::int64_t tokens_run = 0;  ///< by this rank
  std::int64_t passes = 1;      ///< forwards over the whole corpus

  /// This rank's of some tiles.
  std::vector<std::int64_t> share_of(const std::vector<std::int64_t>& tiles) const;

  using RunRound = std::function<std::vector<run::DoneUnit>(const std::vector<std::int64_t>& tiles,
                                                            core::ProgressSink& progress)>;
  /// Collective: runs this rank's `tiles` in rounds (run::Work).
  void run_rounds(const std::string& name, const std::vector<std::int64_t>& tiles, const RunRound& run_round);
};

}  // namespace orrery::trace
