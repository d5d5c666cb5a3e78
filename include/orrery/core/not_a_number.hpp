#pragma once

#include <limits>

namespace orrery::core {

/// What is stored where a number is not defined (science.md, "Notation").
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
inline constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace orrery::core
