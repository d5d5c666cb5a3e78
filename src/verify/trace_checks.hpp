#pragma once

#include "trace_checker.hpp"

namespace orrery::verify {

/// What must hold between the numbers of a trace: those of its samples, of each statistic, and of the
/// headline.
void check_trace(TraceChecker& checker);

}  // namespace orrery::verify
