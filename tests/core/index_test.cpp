#include "orrery/core/index.hpp"

#include <gtest/gtest.h>

#include <type_traits>

namespace orrery::core {
namespace {

// A layer cannot be passed where a point is wanted, nor a bare number.
static_assert(!std::is_convertible_v<Layer, Point>);
static_assert(!std::is_convertible_v<int, Layer>);

}  // namespace
}  // namespace orrery::core
