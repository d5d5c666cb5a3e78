#include "orrery/core/index.hpp"

#include <gtest/gtest.h>

#include <type_traits>

namespace orrery::core {
namespace {

// A layer cannot be passed where a point is wanted, nor a bare number.
static_assert(!std::is_convertible_v<Layer, Point>);
static_assert(!std::is_convertible_v<int, Layer>);

TEST(Point, StandsWhereScienceSays) {
  // Two layers: 0 attention, 1 MLP, 2 attention, 3 MLP, 4 final.
  EXPECT_EQ(point_count(2), 5);
  EXPECT_EQ(pre_attention(Layer(1)), Point(2));
  EXPECT_EQ(pre_mlp(Layer(1)), Point(3));
  EXPECT_EQ(final_point(2), Point(4));
  EXPECT_EQ(layer_of(Point(3)), Layer(1));
  EXPECT_EQ(layer_of(Point(4)), Layer(2));
  EXPECT_STREQ(name_of(kind_of(Point(2), 2)), "pre_attention");
  EXPECT_STREQ(name_of(kind_of(Point(3), 2)), "pre_mlp");
  EXPECT_STREQ(name_of(kind_of(Point(4), 2)), "final");
}

}  // namespace
}  // namespace orrery::core
