// Hand-checked cases of how distances come back.
#include "orrery/statistics/recovery.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace orrery::statistics {
namespace {

double half_life_of(const std::vector<double>& distances) {
  return half_life(distances);
}

TEST(HalfLife, IsWhereTheDistanceHasHalved) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(half_life_of({8, 4, 2}), 1);                    // exactly at a point
  EXPECT_EQ(half_life_of({8, 2}), 0.5);                     // log d is linear: 8, 4, 2
  EXPECT_DOUBLE_EQ(half_life_of({8, 16, 2}), 1 + 2.0 / 3);  // up first, then by 1/8: log 4 of log 8
  EXPECT_EQ(half_life_of({8, 7, 6, 5}), infinity);
  EXPECT_EQ(half_life_of({8}), infinity);
  EXPECT_EQ(half_life_of({8, 5, 0}), 1);     // to nothing at once: log 0 is infinitely far
  EXPECT_EQ(half_life_of({8, 4, 9, 1}), 1);  // the first time counts
  EXPECT_TRUE(std::isnan(half_life_of({0, 0, 0})));
  EXPECT_TRUE(std::isnan(half_life_of({0, 1})));
}

TEST(Exponents, AreLogarithmsOfGrowth) {
  const std::vector<double> found = exponents(std::vector<double>{1, 2, 1, 0, 0});
  ASSERT_EQ(found.size(), 4);
  EXPECT_DOUBLE_EQ(found[0], std::log(2.0));
  EXPECT_DOUBLE_EQ(found[1], -std::log(2.0));
  EXPECT_EQ(found[2], -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(found[3]));
}

TEST(InwardFraction, CountsPathsThatComeNearerThanTheUnperturbedOneMoves) {
  const PlanePath straight{{0, 0}, {1, 0}, {2, 0}};
  const std::vector<PlanePath> perturbed{
      {{0, 2}, {1, 1}, {2, 0}},   // comes in at both steps
      {{0, 2}, {1, 2}, {2, 2}},   // keeps beside it: not inward
      {{0, 2}, {1, 3}, {2, 2}},   // out, then in
      {{-2, 0}, {0, 0}, {1, 0}},  // from behind, faster at first; then as fast
  };
  EXPECT_EQ(inward_fraction(perturbed, straight), (std::vector<double>{0.5, 0.5}));
  EXPECT_EQ(inward_fraction(perturbed, {{0, 0}}).size(), 0);
  EXPECT_TRUE(std::isnan(inward_fraction({}, straight)[0]));
}

}  // namespace
}  // namespace orrery::statistics
