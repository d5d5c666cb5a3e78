#pragma once

#include "file_checker.hpp"

namespace orrery::study {

/// /pooled.
void check_pooled(FileChecker& checker);
/// /geometry.
void check_geometry(FileChecker& checker);

}  // namespace orrery::study
