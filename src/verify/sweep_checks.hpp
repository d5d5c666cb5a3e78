#pragma once

#include "sweep_checker.hpp"

namespace orrery::verify {

/// What ties the numbers of a sweep file to each other.
void check_sweep(SweepChecker& checker);

}  // namespace orrery::verify
