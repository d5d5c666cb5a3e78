#pragma once

#include "orrery/statistics/trace_statistics.hpp"
#include "running_trace.hpp"

namespace orrery::trace {

/// Collective: runs the tiles, keeps the rows of all in memory and in a file, and returns their statistics. A
/// tile is done once its rows are in the file.
statistics::TraceStatistics statistics_of_kept_rows(RunningTrace& trace);

}  // namespace orrery::trace
