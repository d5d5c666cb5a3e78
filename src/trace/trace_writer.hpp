#pragma once

#include "orrery/archive/shared_file.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "orrery/trace/trace_input.hpp"

namespace orrery::trace {

/// Writes this rank's share of a trace's statistics: rank 0 what stands once and the samples, each rank its
/// units' columns and its points' lines. Rows, and scores that were streamed, are row_store's. Not
/// collective.
void write_trace(archive::SharedFile& file, const statistics::StatisticRun& run, const TraceInput& input,
                 const statistics::TraceStatistics& statistics);

}  // namespace orrery::trace
