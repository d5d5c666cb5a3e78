#pragma once

#include "recipe.hpp"

#include <vector>

namespace orrery::report {

/// The response to noise by its length and direction, and the loss of heads and MLPs: ours.
std::vector<Recipe> noise_figures();

}  // namespace orrery::report
