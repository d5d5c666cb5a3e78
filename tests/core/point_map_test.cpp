#include "orrery/core/point_map.hpp"

#include "orrery/core/error.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace orrery::core {
namespace {

using enum PointKind;
using Order = std::vector<std::int64_t>;

TEST(PointMap, OfTwoPointsALayerStandsWhereScienceSays) {
  // Two layers: 0 attention, 1 MLP, 2 attention, 3 MLP, 4 final.
  const PointMap map = PointMap::of_layers(2, {pre_attention, pre_mlp});
  EXPECT_EQ(map.size(), 5);
  EXPECT_EQ(map.layers(), 2);
  EXPECT_EQ(map.first_of(Layer(1)), Point(2));
  EXPECT_EQ(map.first_of(Layer(2)), Point(4));
  EXPECT_EQ(map.final_point(), Point(4));
  EXPECT_EQ(map.layer_of(Point(3)), Layer(1));
  EXPECT_EQ(map.layer_of(Point(4)), Layer(2));
  EXPECT_EQ(map.kind_of(Point(2)), pre_attention);
  EXPECT_EQ(map.kind_of(Point(3)), pre_mlp);
  EXPECT_EQ(map.kind_of(Point(4)), final);
  EXPECT_TRUE(map.stays_in_layer(Point(2)));
  EXPECT_FALSE(map.stays_in_layer(Point(1)));
  EXPECT_FALSE(map.stays_in_layer(Point(3)));
  EXPECT_EQ(map.in_order_of({1, 0}), (Order{2, 3, 0, 1, 4}));
  for (std::int64_t s = 0; s <= 8; ++s)  // also between points
    EXPECT_EQ(map.depth(static_cast<double>(s) / 2), static_cast<double>(s) / 4);
}

TEST(PointMap, OfOnePointALayerHasNoStepWithin) {
  const PointMap map = PointMap::of_layers(3, {pre_block});
  EXPECT_EQ(map.size(), 4);
  EXPECT_EQ(map.first_of(Layer(2)), Point(2));
  for (std::int64_t s = 0; s < 3; ++s) EXPECT_FALSE(map.stays_in_layer(Point(s)));
  EXPECT_EQ(map.in_order_of({2, 0, 1}), (Order{2, 0, 1, 3}));
  EXPECT_EQ(map.depth(1.5), 1.5);
  EXPECT_TRUE(map.has(pre_block));
  EXPECT_FALSE(map.has(pre_mlp));
}

TEST(PointMap, TakesLayersOfDifferentLength) {
  const PointMap map(
      {{Layer(0), pre_block}, {Layer(1), pre_attention}, {Layer(1), pre_mlp}, {Layer(2), final}});
  EXPECT_EQ(map.in_order_of({1, 0}), (Order{1, 2, 0, 3}));
  EXPECT_EQ(map.depth(0.5), 0.5);
  EXPECT_EQ(map.depth(2), 1.5);
}

TEST(PointMap, OfNoLayerIsTheFinalPoint) {
  EXPECT_EQ(PointMap().size(), 1);
  EXPECT_EQ(PointMap().first_of(Layer(0)), Point(0));
  EXPECT_EQ(PointMap().depth(0), 0);
}

TEST(PointMap, RefusesWhatNoModelHas) {
  const std::vector<std::vector<CapturePoint>> wrong = {
      {},
      {{Layer(0), pre_block}},
      {{Layer(1), final}},
      {{Layer(0), final}, {Layer(1), final}},
      {{Layer(1), pre_block}, {Layer(2), final}},
      {{Layer(0), pre_block}, {Layer(0), final}},
      {{Layer(0), pre_block}, {Layer(0), pre_block}, {Layer(1), final}},
      {{Layer(0), pre_mlp}, {Layer(0), pre_attention}, {Layer(1), final}},
      {{Layer(0), pre_block}, {Layer(2), pre_block}, {Layer(3), final}},
      {{Layer(-1), pre_block}, {Layer(0), final}},
  };
  for (const auto& points : wrong) EXPECT_THROW(PointMap{points}, Error) << points.size();
}

TEST(PointKind, IsReadAsItIsWritten) {
  for (const PointKind kind : {pre_attention, pre_mlp, pre_block, final})
    EXPECT_EQ(point_kind_from(name_of(kind)), kind);
  EXPECT_THROW(point_kind_from("post_mlp"), Error);
}

}  // namespace
}  // namespace orrery::core
