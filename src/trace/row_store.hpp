#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/archive/shared_file.hpp"
#include "orrery/statistics/shards.hpp"
#include "orrery/trace/trace_input.hpp"
#include "orrery/trace/trace_options.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace orrery::trace {

// What a trace keeps of each sample as it comes: rows x[n, s, d] where they are kept, pooled scores where
// they are streamed. Nothing here is collective.

/// A file of rows alone: where they are kept until the run ends, but not in its result.
archive::Layout rows_layout(const TraceInput& input, const TraceOptions& options);

/// Writes rows (m, P, D), and returns a hash of their bytes in order of `rows`.
std::uint64_t write_rows(archive::SharedFile& file, const statistics::SampleShard& rows);
/// What write_rows returned, if the file holds the same now: of rows of these samples, shaped as `rows`.
std::uint64_t hash_of_rows(const archive::SharedFile& file, const statistics::SampleShard& rows);
/// Fills `rows.x` in.
void read_rows(const archive::SharedFile& file, statistics::SampleShard& rows);

/// The same of pooled scores (m, P, k′) float32; 0 where a score has no entry.
std::uint64_t write_scores(archive::SharedFile& file, const std::vector<core::Sample>& samples,
                           const at::Tensor& scores);
std::uint64_t hash_of_scores(const archive::SharedFile& file, const std::vector<core::Sample>& samples,
                             std::int64_t points, std::int64_t components);

}  // namespace orrery::trace
