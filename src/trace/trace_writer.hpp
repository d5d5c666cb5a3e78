#pragma once

#include "orrery/archive/shared_file.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "orrery/trace/trace_input.hpp"

namespace orrery::trace {

/// Writes this rank's part of a trace's statistics: rank 0 what stands once, each rank its units' columns and
/// its points' lines. Rows and scores of single samples are row_store's. Not collective.
void write_trace(archive::SharedFile& file, bool is_root, const TraceInput& input,
                 const TraceOptions& options, const statistics::TraceStatistics& statistics);

}  // namespace orrery::trace
