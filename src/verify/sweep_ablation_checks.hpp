#pragma once

#include "sweep_checker.hpp"

namespace orrery::verify {

/// /ablation.
void check_ablation(SweepChecker& checker);

}  // namespace orrery::verify
