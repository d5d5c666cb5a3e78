#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/statistics/trace_extent.hpp"

#include <cstdint>

namespace orrery::archive {

inline constexpr const char* trace_format = "orrery-trace";
inline constexpr std::int64_t trace_format_version = 1;

/// The layout of a trace file: names, shapes and types as design.md has them, and how each dataset is
/// defined, where it is NaN, what was chosen. What has no entry in this run, or is not computed where rows
/// are streamed, stands in `absent`. `/points` is filled in; the root has `rows` (N), `moments` ("rows" or
/// "streaming") and `every_token` (0 or 1), its other attributes are the caller's to add. The groups /timing,
/// /headline and /checksum wait for their attributes, and so does /geometry where every token is measured:
/// `straightness_mean` and `straightness_std` then. Scales lie at the root; `rank_number` alone lies in
/// /timing, so that nothing outside depends on the ranks.
Layout trace_layout(const statistics::TraceExtent& extent);

}  // namespace orrery::archive
