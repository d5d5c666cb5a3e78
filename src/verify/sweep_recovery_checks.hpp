#pragma once

#include "sweep_checker.hpp"

namespace orrery::verify {

/// /recovery, from what the perturbed streams do; inward shares aside, which scores give.
void check_recovery(SweepChecker& checker);

}  // namespace orrery::verify
