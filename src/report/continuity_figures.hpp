#pragma once

#include "recipe.hpp"

#include <vector>

namespace orrery::report {

/// Continuity over depth: the paper's Fig. 1.
std::vector<Recipe> continuity_figures();

}  // namespace orrery::report
