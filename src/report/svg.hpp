#pragma once

#include "figure.hpp"

#include <string>
#include <string_view>

namespace orrery::report {

/// A picture of gnuplot's as it stands in a page: its svg element alone, without size, so that it fills its
/// box; every id, and what refers to it, begins with the figure's name; gnuplot's own titles are replaced by
/// what is seen. The page names the figure in the element `NAME-heading`. Throws internal_error where `svg`
/// is not what gnuplot makes.
std::string svg_in_page(std::string_view svg, const Figure& figure);

}  // namespace orrery::report
