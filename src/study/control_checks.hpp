#pragma once

#include "file_checker.hpp"

namespace orrery::study {

/// /control.
void check_controls(FileChecker& checker);
/// /headline repeats numbers of the file.
void check_headline(FileChecker& checker);

}  // namespace orrery::study
