#pragma once

#include "orrery/archive/reader.hpp"

#include <string>
#include <utility>
#include <vector>

namespace orrery::report {

// Numbers as tables show them, on the terminal and on the page.

/// Up to so many digits; "not defined" for NaN, "infinite" for infinity.
std::string shown(double value, int digits);

/// "0.961 ± 0.0006"; the error has two digits, and is left out where it is NaN.
std::string shown_with_error(double value, double error, int digits);

/// A share as "12.3 %".
std::string shown_percent(double share);

/// A number among the attributes of an object; NaN where there is none.
double real_attribute(const archive::Reader& file, const std::string& object, const std::string& name);

/// The root's attributes that say where a file comes from, as text, by name: all but its options, its format
/// and what it lacks.
std::vector<std::pair<std::string, std::string>> origin_of(const archive::Reader& file);

}  // namespace orrery::report
