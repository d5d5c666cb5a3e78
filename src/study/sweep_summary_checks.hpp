#pragma once

#include "sweep_checker.hpp"

namespace orrery::study {

/// /summary, from /recovery.
void check_summary(SweepChecker& checker);

}  // namespace orrery::study
