#pragma once

#include "file_checker.hpp"

namespace orrery::study {

/// /samples and /points.
void check_samples(FileChecker& checker);
/// /residual, /trajectory, /continuity.
void check_units(FileChecker& checker);
/// /rotation.
void check_rotations(FileChecker& checker);

}  // namespace orrery::study
