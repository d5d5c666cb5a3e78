#pragma once

#include "sweep_checker.hpp"

namespace orrery::verify {

/// /summary, from /recovery.
void check_summary(SweepChecker& checker);

}  // namespace orrery::verify
