#pragma once

#include <string>
#include <vector>

namespace orrery::cli {

/// `orrery verify FILE [FILE]`: the exit code, 0 or 1. Prints a line a check, or a line a difference.
int run_verify(const std::vector<std::string>& words);

}  // namespace orrery::cli
