#pragma once

#include <string>
#include <vector>

namespace orrery::cli {

/// `orrery plan trace|perturb …`: prints what the run would take, and runs nothing. The exit code.
int run_plan(const std::vector<std::string>& words);

}  // namespace orrery::cli
