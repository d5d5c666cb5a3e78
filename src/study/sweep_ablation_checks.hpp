#pragma once

#include "sweep_checker.hpp"

namespace orrery::study {

/// /ablation.
void check_ablation(SweepChecker& checker);

}  // namespace orrery::study
