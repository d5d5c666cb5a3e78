#pragma once

#include "orrery/core/not_a_number.hpp"

namespace orrery::core {

/// The numbers that a quantity can have, NaN aside; rounding may carry them beyond an end by `slack`, times
/// the end's size where that is above 1.
struct Range {
  double least = -infinity;
  double greatest = infinity;
  double slack = 1e-12;
};

/// What cannot be negative; what is a cosine or a correlation; what is a share.
inline constexpr Range not_negative{0, infinity};
inline constexpr Range cosine_range{-1, 1};
inline constexpr Range share_range{0, 1};

}  // namespace orrery::core
