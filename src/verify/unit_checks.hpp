#pragma once

#include "trace_checker.hpp"

namespace orrery::verify {

/// /samples.
void check_samples(TraceChecker& checker);
/// /residual, /trajectory, /continuity.
void check_units(TraceChecker& checker);
/// /rotation.
void check_rotations(TraceChecker& checker);

}  // namespace orrery::verify
