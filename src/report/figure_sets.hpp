#pragma once

#include "recipe.hpp"

#include <vector>

namespace orrery::report {

// The figures by what they are of, each set in a source of its name. A new figure is a function and a line of
// its set's list; a new set a line here and in recipe.cpp.

/// Continuity over depth: the paper's Fig. 1.
std::vector<Recipe> continuity_figures();
/// Phase portraits and turns: the paper's Fig. 2.
std::vector<Recipe> rotation_figures();
/// Dimension and geometry: the paper's Fig. 3.
std::vector<Recipe> dimension_figures();
/// Trajectories and how they bend: the rest of the paper's Fig. 3.
std::vector<Recipe> path_figures();
/// Perturbed streams: the paper's Fig. 4, `recovery_figures` among them.
std::vector<Recipe> perturbation_figures();
/// How far replaced streams are from the unperturbed ones, and whether they come back: the paper's Fig. 5.
std::vector<Recipe> recovery_figures();
/// The response to noise by its length and direction: ours.
std::vector<Recipe> noise_figures();
/// The loss of heads and MLPs: ours.
std::vector<Recipe> ablation_figures();
/// The linear flow between points, and the angles between their subspaces: ours.
std::vector<Recipe> flow_figures();

}  // namespace orrery::report
