#pragma once

#include "recipe.hpp"

#include <vector>

namespace orrery::report {

/// Trajectories and how they bend: the rest of the paper's Fig. 3.
std::vector<Recipe> path_figures();

}  // namespace orrery::report
