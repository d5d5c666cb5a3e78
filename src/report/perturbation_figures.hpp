#pragma once

#include "recipe.hpp"

#include <vector>

namespace orrery::report {

/// Perturbed streams: the paper's Fig. 4 and 5, `recovery_figures` among them.
std::vector<Recipe> perturbation_figures();

}  // namespace orrery::report
