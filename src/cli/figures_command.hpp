#pragma once

#include <string>
#include <vector>

namespace orrery::cli {

/// `orrery figures FILE… --out DIR`: the exit code, 0 or 69 where gnuplot is missing. Prints the page's path,
/// and a line for each figure that could not be drawn.
int run_figures(const std::vector<std::string>& words);

}  // namespace orrery::cli
