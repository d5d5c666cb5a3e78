#pragma once

#include "sweep_checker.hpp"

namespace orrery::verify {

/// /states, against lengths and distances.
void check_states(SweepChecker& checker);

}  // namespace orrery::verify
