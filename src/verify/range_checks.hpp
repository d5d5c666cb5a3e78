#pragma once

#include "file_checker.hpp"
#include "orrery/archive/trace_layout.hpp"
#include "orrery/core/not_a_number.hpp"

#include <string>
#include <vector>

namespace orrery::verify {

/// An end of a range that has none.
inline constexpr double unbounded = core::infinity;

/// The numbers that a dataset can have, NaN aside; rounding may carry them `slack` beyond.
struct Range {
  std::string path;
  double least;
  double greatest;
  double slack = 1e-12;
};

std::vector<Range> trace_ranges(const archive::TraceExtent& extent);

/// No number lies where none can, in those of the datasets that there are.
void check_ranges(FileChecker& checker, const std::vector<Range>& ranges);

}  // namespace orrery::verify
