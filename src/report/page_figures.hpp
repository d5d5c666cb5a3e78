#pragma once

#include "figure.hpp"
#include "figure_input.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace orrery::report {

/// The page's section of figures, as HTML: with their captions, the SVG of `folder` and links to the files of
/// theirs that lie there; then why others could not be drawn, a line each.
std::string figures_section(const FigureInput& input, const std::vector<Figure>& figures,
                            const std::vector<std::string>& left_out, const std::filesystem::path& folder);

}  // namespace orrery::report
