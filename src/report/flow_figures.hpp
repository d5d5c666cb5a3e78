#pragma once

#include "recipe.hpp"

#include <vector>

namespace orrery::report {

/// The linear flow between points, and the angles between their subspaces: ours.
std::vector<Recipe> flow_figures();

}  // namespace orrery::report
