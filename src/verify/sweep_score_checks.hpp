#pragma once

#include "sweep_checker.hpp"

namespace orrery::verify {

/// /baseline/score and /teleport/score: the rank, where teleports begin, and which of them turn inward.
void check_scores(SweepChecker& checker);

}  // namespace orrery::verify
