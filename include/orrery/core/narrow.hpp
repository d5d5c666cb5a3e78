#pragma once

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <utility>

namespace orrery::core {

/// `value` as a `To`. Throws internal_error where it doesn't fit, rather than wrap.
template <class To, class From>
constexpr To narrow(From value) {
  if (!std::in_range<To>(value)) {
    throw internal_error("a number does not fit its type", concat(value),
                         "please report it with the command line");
  }
  return static_cast<To>(value);
}

}  // namespace orrery::core
