#pragma once

#include "orrery/archive/shared_file.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/shards.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "orrery/study/trace_input.hpp"

namespace orrery::study {

/// Writes this rank's part of a trace: rank 0 what stands once, each rank its units' columns, its points'
/// lines and, where `rows` is given, its samples' rows. Not collective.
void write_trace(archive::SharedFile& file, bool is_root, const TraceInput& input,
                 const statistics::TraceStatistics& statistics, const statistics::SampleShard* rows,
                 std::int64_t points);

}  // namespace orrery::study
