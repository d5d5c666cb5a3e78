#pragma once

#include "orrery/statistics/trace_statistics.hpp"
#include "running_trace.hpp"

namespace orrery::trace {

/// Collective: runs the tiles in as many passes as the plan has, and in a last one for their scores, and
/// returns their statistics. Rows pass by in rounds, and only their exact sums are kept: a tile is done once
/// those that it went into are saved.
statistics::TraceStatistics statistics_of_streamed_rows(RunningTrace& trace);

}  // namespace orrery::trace
