#pragma once

#include "trace_checker.hpp"

namespace orrery::verify {

/// /control.
void check_controls(TraceChecker& checker);
/// /headline repeats numbers of the file.
void check_headline(TraceChecker& checker);

}  // namespace orrery::verify
