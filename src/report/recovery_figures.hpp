#pragma once

#include "recipe.hpp"

#include <vector>

namespace orrery::report {

/// How far replaced streams are from the unperturbed ones, and whether they come back: the paper's Fig. 5.
std::vector<Recipe> recovery_figures();

}  // namespace orrery::report
