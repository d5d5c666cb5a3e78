#pragma once

#include "orrery/core/dataset.hpp"
#include "orrery/statistics/trace_extent.hpp"

#include <string>
#include <vector>

namespace orrery::statistics {

// What datasets of several statistics say alike.

/// `nan_where` of a spread over rows: that there is one row, where that is so.
std::string where_one_row(const TraceExtent& extent);

/// What is measured on each row, for its mean and spread over rows.
struct MeasuredOfRows {
  std::string path;       ///< of both, without _mean and _std
  std::string dimension;  ///< name of the scale
  std::string what;
  std::string undefined;  ///< which rows have no number; "" where each has one
  core::Range range;      ///< of a row's number
  std::string units = "1";
};

/// The datasets of the mean and the spread.
std::vector<core::Dataset> mean_and_spread(const TraceExtent& extent, const MeasuredOfRows& measured);

/// `attributes` of eigenvectors: which sign they have.
inline constexpr const char* sign_rule = "the entry of largest magnitude is positive, the first of equals";

/// Of the signed turns R of a trajectory of points 0 … S − 1.
core::Range turns_range(const TraceExtent& extent);

/// Puts `more` behind `all`.
void append(std::vector<core::Dataset>& all, std::vector<core::Dataset> more);

}  // namespace orrery::statistics
