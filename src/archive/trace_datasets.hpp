#pragma once

#include "orrery/archive/trace_layout.hpp"

#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::archive {

// The datasets of a trace file, group by group, as a run has them that lacks nothing.

/// /samples, /points, /residual.
void add_samples(Layout& layout, const TraceExtent& extent);
/// /trajectory, /continuity, /density.
void add_units(Layout& layout, const TraceExtent& extent);
/// Those of the statistics of rows whose paths begin so (row_statistic.hpp).
void add_row_statistics(Layout& layout, const TraceExtent& extent, std::string_view group);
/// /rotation.
void add_rotations(Layout& layout, const TraceExtent& extent);
/// /pca, /pooled, /geometry.
void add_space(Layout& layout, const TraceExtent& extent);
/// /control.
void add_controls(Layout& layout, const TraceExtent& extent);

/// NAME_mean and NAME_std over rows of `what`, whose numbers lie in `range`, in `units`. `undefined` says
/// which rows have none; where it is empty, each has one.
void add_moments(Layout& layout, const TraceExtent& extent, const std::string& path,
                 const std::string& dimension, const std::string& what, const std::string& undefined,
                 const core::Range& range, const std::string& units = "1");

/// The spacing of float32 numbers at 1.
inline constexpr double epsilon_of_float = std::numeric_limits<float>::epsilon();

/// Of the signed turns R of a trajectory of points 0 … S − 1.
core::Range turns_range(const TraceExtent& extent);

/// What a spread over rows says of itself in `nan_where` where there is one row, and nothing otherwise.
std::string where_one_row(const TraceExtent& extent);

}  // namespace orrery::archive
