// Hand-checked cases of how distances come back.
#include "orrery/statistics/recovery.hpp"

#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace orrery::statistics {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double half_life_of(const std::vector<double>& distances) {
  return half_life(distances);
}

at::Tensor numbers(const std::vector<double>& values, at::IntArrayRef shape) {
  return at::tensor(values, at::kDouble).view(shape);
}

std::vector<double> values_of(const at::Tensor& tensor) {
  const at::Tensor values = tensor.contiguous();
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

TEST(HalfLife, IsWhereTheDistanceHasHalved) {
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
  const std::vector<double> found = values_of(exponents(numbers({1, 2, 1, 0, 0}, {1, 5})));
  ASSERT_EQ(found.size(), 4);
  EXPECT_DOUBLE_EQ(found[0], std::log(2.0));
  EXPECT_DOUBLE_EQ(found[1], -std::log(2.0));
  EXPECT_TRUE(std::isnan(found[2]));
  EXPECT_TRUE(std::isnan(found[3]));
}

TEST(InwardFraction, CountsPathsThatComeNearerThanTheUnperturbedOneMoves) {
  const at::Tensor straight = numbers({0, 0, 1, 0, 2, 0}, {3, 2});
  const at::Tensor perturbed = numbers(
      {
          0,  2, 1, 1, 2, 0,  // comes in at both steps
          0,  2, 1, 2, 2, 2,  // keeps beside it: not inward
          0,  2, 1, 3, 2, 2,  // out, then in
          -2, 0, 0, 0, 1, 0,  // from behind, faster at first; then as fast
      },
      {4, 3, 2});
  EXPECT_EQ(values_of(inward_fraction(perturbed, straight)), (std::vector<double>{0.5, 0.5}));
  EXPECT_EQ(inward_fraction(perturbed.narrow(1, 0, 1), straight.narrow(0, 0, 1)).numel(), 0);
  EXPECT_TRUE(std::isnan(values_of(inward_fraction(perturbed.narrow(0, 0, 0), straight))[0]));
}

TEST(Recovery, IsTheMeanOverPerturbationsThatAreOne) {
  PerturbedRuns runs;
  runs.distance = numbers({8, 4, 2, 0, 0, 0, 2, 2, 4}, {3, 3});  // comes back; is none; goes away
  runs.cosine = numbers({0, 0.5, 1, 1, 1, 1, 0.25, 0.25, 0.5}, {3, 3});
  runs.path = numbers({0, 8, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 4}, {3, 3, 2});
  runs.kl = numbers({1, 0, 0.5}, {3});
  runs.same_top = numbers({0, 1, 1}, {3});
  const UnperturbedRun beside{numbers({2, 4, 8}, {3}), numbers({0, 0, 0, 0, 0, 0}, {3, 2}),
                              numbers({1, 2, 1}, {3})};
  const Recovery found = recovery_of(runs, beside);
  ASSERT_EQ(found.half_life.size(), 3);
  EXPECT_EQ(found.half_life[0], 1);
  EXPECT_TRUE(std::isnan(found.half_life[1]));
  EXPECT_EQ(found.half_life[2], infinity);
  EXPECT_EQ(found.halved, 0.5);  // one of the two that are defined
  EXPECT_EQ(found.half_life_median, 1);
  EXPECT_EQ(values_of(found.ratio), (std::vector<double>{1, 0.75, 1.125}));
  EXPECT_EQ(values_of(found.relative_distance), (std::vector<double>{10 / 6.0, 6 / 12.0, 6 / 24.0}));
  EXPECT_EQ(values_of(found.spread_distance), (std::vector<double>{10 / 3.0, 1, 2}));
  EXPECT_EQ(values_of(found.cosine), (std::vector<double>{1.25 / 3, 1.75 / 3, 2.5 / 3}));
  const std::vector<double> exponent = values_of(found.exponent);
  EXPECT_DOUBLE_EQ(exponent[0], -std::log(2.0) / 2);
  EXPECT_NEAR(exponent[1], 0, 1e-16);
  EXPECT_EQ(values_of(found.inward_fraction), (std::vector<double>{1 / 3.0, 1 / 3.0}));
  EXPECT_EQ(found.kl, 0.5);
  EXPECT_EQ(found.top1, 2 / 3.0);
}

TEST(Recovery, OverNothingIsNoNumber) {
  PerturbedRuns runs;
  runs.distance = numbers({3, 3, 3, 0, 0, 2}, {2, 3});
  runs.cosine = numbers({1, 1, 1, 1, 1, 1}, {2, 3});
  runs.path = numbers(std::vector<double>(12), {2, 3, 2});
  runs.kl = numbers({0, 0}, {2});
  runs.same_top = numbers({1, 1}, {2});
  const Recovery found = recovery_of(
      runs, {numbers({1, 0, 1}, {3}), numbers(std::vector<double>(6), {3, 2}), numbers({0, 1, 2}, {3})});
  // A run that begins at a distance of 0 has no ratio, nor has a point where size or spread are 0.
  EXPECT_EQ(values_of(found.ratio), (std::vector<double>{1, 1, 1}));
  EXPECT_TRUE(std::isnan(values_of(found.relative_distance)[1]));
  EXPECT_EQ(values_of(found.relative_distance)[2], 2.5);
  EXPECT_TRUE(std::isnan(values_of(found.spread_distance)[0]));
  EXPECT_EQ(values_of(found.spread_distance)[1], 1.5);
}

}  // namespace
}  // namespace orrery::statistics
