#pragma once

#include "recipe.hpp"

#include <vector>

namespace orrery::report {

/// Dimension and geometry: the paper's Fig. 3.
std::vector<Recipe> dimension_figures();

}  // namespace orrery::report
