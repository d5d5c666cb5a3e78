#pragma once

#include "file_checker.hpp"

namespace orrery::study {

/// No number lies where none can.
void check_ranges(FileChecker& checker);

}  // namespace orrery::study
