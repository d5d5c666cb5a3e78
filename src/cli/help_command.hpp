#pragma once

#include <string>
#include <vector>

namespace orrery::cli {

/// `orrery help [COMMAND|TOPIC]`, and `orrery help --man DIR`, by which the build makes the manual pages.
int run_help(const std::vector<std::string>& words);

}  // namespace orrery::cli
