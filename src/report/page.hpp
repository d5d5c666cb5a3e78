#pragma once

#include "figure.hpp"
#include "figure_input.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace orrery::report {

/// The page over all figures: one HTML file that needs no other, the SVG of `folder` in it. `left_out` has a
/// line for each figure that could not be drawn.
std::string page_text(const FigureInput& input, const std::vector<Figure>& figures,
                      const std::vector<std::string>& left_out, const std::filesystem::path& folder);

}  // namespace orrery::report
