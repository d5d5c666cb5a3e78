#pragma once

#include "figure.hpp"

#include <string>

namespace orrery::report {

/// The script that draws NAME.svg, NAME.pdf and NAME.png from NAME.dat, all in the current folder:
/// `gnuplot NAME.gp`, for those who want another label. All text is in single quotes and taken as it is.
std::string script_text(const Figure& figure);

}  // namespace orrery::report
