#pragma once

#include "recipe.hpp"

#include <vector>

namespace orrery::report {

/// Perturbed streams: the paper's Fig. 4 and 5, and ours of a sweep.
std::vector<Recipe> perturbation_figures();

}  // namespace orrery::report
