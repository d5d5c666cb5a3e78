#pragma once

#include "trace_checker.hpp"

namespace orrery::verify {

/// /pooled.
void check_pooled(TraceChecker& checker);
/// /geometry.
void check_geometry(TraceChecker& checker);

}  // namespace orrery::verify
