#pragma once

#include "figure.hpp"
#include "figure_input.hpp"

#include <functional>
#include <string>
#include <vector>

namespace orrery::report {

/// Which file a figure is of.
enum class Source { trace, sweep };

/// How a figure is made of files.
struct Recipe {
  std::string name;
  std::string title;
  Source source = Source::trace;
  std::vector<std::string> needs;  ///< datasets without which it can't be drawn
  /// Its panels, caption and what is seen; name and title are filled in by `make_figure`.
  std::function<Figure(const FigureInput&)> make;
};

/// All figures, in the order of the paper and then ours.
const std::vector<Recipe>& recipes();

// Those of a kind, in their order.
std::vector<Recipe> continuity_figures();    // paper, Fig. 1
std::vector<Recipe> rotation_figures();      // Fig. 2
std::vector<Recipe> dimension_figures();     // Fig. 3
std::vector<Recipe> path_figures();          // trajectories and curvature, of Fig. 3 too
std::vector<Recipe> perturbation_figures();  // Fig. 4 and 5, and of a sweep alone
std::vector<Recipe> flow_figures();          // eigenvalues of the linear flow, principal angles

/// The figure of a recipe whose needs are there.
Figure make_figure(const Recipe& recipe, const FigureInput& input);

/// The least range that holds all values, some room on both sides, NaN and infinity left out; [0, 1] where
/// there is none. Logarithmic: of the positive ones.
Axis axis_over(std::string label, const std::vector<std::vector<double>>& values,
               bool is_logarithmic = false);

/// The same about zero, for diverging colours.
Axis symmetric_axis(std::string label, const std::vector<double>& values);

/// `count` colours for as many runs or start layers, dark ones first; they repeat beyond 8.
Hue hue_of(std::size_t place);

/// A number as captions have it: three digits.
std::string short_number(double value);

}  // namespace orrery::report
