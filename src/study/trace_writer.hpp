#pragma once

#include "orrery/archive/shared_file.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/shards.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "orrery/study/trace_input.hpp"

namespace orrery::study {

/// Writes the pooled scores (m, P, k′) float32 of rows of a run that streams, as they come. Not collective.
void write_scores(archive::SharedFile& file, const std::vector<core::Sample>& samples,
                  const at::Tensor& scores);

/// Writes this rank's part of a trace: rank 0 what stands once, each rank its units' columns, its points'
/// lines and, where `rows` is given, its samples' rows. Not collective.
void write_trace(archive::SharedFile& file, bool is_root, const TraceInput& input,
                 const TraceOptions& options, const statistics::TraceStatistics& statistics,
                 const statistics::SampleShard* rows);

}  // namespace orrery::study
