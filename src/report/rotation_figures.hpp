#pragma once

#include "recipe.hpp"

#include <vector>

namespace orrery::report {

/// Phase portraits and turns: the paper's Fig. 2.
std::vector<Recipe> rotation_figures();

}  // namespace orrery::report
