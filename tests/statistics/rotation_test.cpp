#include "orrery/statistics/rotation.hpp"

#include "orrery/core/random.hpp"
#include "tests/statistics/unit_reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace orrery::statistics {
namespace {

constexpr double pi = std::numbers::pi;

/// Independent normal numbers, or their sums.
std::vector<double> drawn(std::int64_t points, std::uint32_t index, bool walk) {
  core::Random random(5, core::Purpose::basis, index);
  std::vector<double> a(points);
  for (double& value : a) value = random.normal();
  if (walk) std::partial_sum(a.begin(), a.end(), a.begin());
  return a;
}

double sum_of_angles(const std::vector<double>& a) {
  const std::vector<double> angles = turning_angles(a);
  return std::accumulate(angles.begin(), angles.end(), 0.0) / (2 * pi);
}

TEST(TurningAngles, AgreeWithThePlainFormula) {
  for (const std::int64_t points : {3, 4, 9, 60}) {
    for (std::uint32_t index = 0; index < 50; ++index) {
      const std::vector<double> a = drawn(points, index, index % 2 == 0);
      const std::vector<double> got = turning_angles(a);
      const std::vector<double> expected = reference::turning_angles(a);
      ASSERT_EQ(got.size(), points - 2);
      // The reference's steps have the rounding of X, up to 20·2⁻⁵³, beside lengths down to 1e-3.
      for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-11);
      EXPECT_NEAR(turns(a), reference::turns(a), 1e-11);
    }
  }
}

// Whole numbers make every product exact: zero steps, reversals, steps along the axes.
TEST(TurningAngles, DegeneratePlacesFollowTheirRules) {
  core::Random random(6, core::Purpose::basis);
  for (int trial = 0; trial < 3000; ++trial) {
    std::vector<double> a(3 + random.below(12));
    const std::uint32_t levels = 2 + random.below(3);
    for (double& value : a) value = static_cast<double>(random.below(levels));
    const std::vector<double> got = turning_angles(a);
    const std::vector<double> expected = reference::turning_angles(a);
    for (std::size_t i = 0; i < got.size(); ++i) {
      ASSERT_GE(got[i], -pi);
      ASSERT_LT(got[i], pi);
      ASSERT_NEAR(got[i], expected[i], 1e-14);
    }
    ASSERT_NEAR(turns(a), reference::turns(a), 1e-14);
  }
}

TEST(TurningAngles, ByHand) {
  // Steps (1, −1), (−1, 0), (1, 0), (−1, 0), (1, 1): from −45° to 180°, back and forth, and to 45°.
  const std::vector<double> angles = turning_angles(std::vector<double>{0, 1, 0, 1, 0, 1});
  const std::vector<double> expected = {-0.75 * pi, -pi, -pi, -0.75 * pi};
  ASSERT_EQ(angles.size(), expected.size());
  for (std::size_t i = 0; i < angles.size(); ++i) EXPECT_NEAR(angles[i], expected[i], 1e-15);
  EXPECT_DOUBLE_EQ(turns(std::vector<double>{0, 1, 0, 1, 0, 1}), -1.75);
  // A direction of −0 is one of 0.
  EXPECT_EQ(turns(std::vector<double>{-0.0, 0.0, -0.0, 0.0, -0.0}), 0);
}

TEST(Turns, AreNoneOfWhatIsTooShortStandsStillOrIsStraight) {
  for (const std::vector<double>& a : {std::vector<double>{}, {1}, {1, 2}}) {
    EXPECT_TRUE(turning_angles(a).empty());
    EXPECT_EQ(turns(a), 0);
  }
  EXPECT_EQ(turns(std::vector<double>(60, 2.5)), 0);
  std::vector<double> line(60);
  for (std::size_t s = 0; s < line.size(); ++s) line[s] = 0.1 * static_cast<double>(s) - 3;
  EXPECT_NEAR(turns(line), 0, 1e-12);
  std::ranges::reverse(line);
  EXPECT_NEAR(turns(line), 0, 1e-12);
}

TEST(Turns, AreTheSumOfTheAngles) {
  for (std::uint32_t index = 0; index < 2000; ++index) {
    const std::vector<double> a = drawn(64, index, index % 2 == 0);
    EXPECT_NEAR(turns(a), sum_of_angles(a), 1e-13);  // 62 roundings of angles below π
  }
}

// A portrait turns clockwise; seen in a mirror, or run backwards, it turns as often.
TEST(Turns, HaveTheirSymmetries) {
  for (std::uint32_t index = 0; index < 100; ++index) {
    std::vector<double> a = drawn(60, index, true);
    const double expected = turns(a);
    EXPECT_LT(expected, 0);
    std::ranges::reverse(a);
    EXPECT_NEAR(turns(a), expected, 1e-12);
    for (double& value : a) value = -8 * value;
    EXPECT_NEAR(turns(a), expected, 1e-12);
  }
}

// science.md, section 2. The spread of |R| is about 1.4, of the mean of 20,000 0.01.
TEST(Turns, Anchors) {
  const auto mean = [](std::int64_t points, bool walk) {
    double sum = 0;
    for (std::uint32_t index = 0; index < 20000; ++index) sum += std::abs(turns(drawn(points, index, walk)));
    return sum / 20000;
  };
  EXPECT_NEAR(mean(60, true), 10.24, 0.06);
  EXPECT_NEAR(mean(64, true), 10.96, 0.06);
  EXPECT_NEAR(mean(60, false), 13.9, 0.06);
  EXPECT_NEAR(mean(64, false), 14.8, 0.06);
  for (const auto& [frequency, expected] : {std::pair(1, 0.998), {3, 2.979}, {8, 7.830}}) {
    std::vector<double> sine(64);
    for (std::size_t s = 0; s < 64; ++s) sine[s] = std::sin(2 * pi * frequency * static_cast<double>(s) / 64);
    EXPECT_NEAR(std::abs(turns(sine)), expected, 0.001);
  }
}

TEST(FalseDiscoveryRates, ByHand) {
  // In order 0.005, 0.01, 0.03, 0.04, 0.5, times 5/rank 0.025, 0.025, 0.05, 0.05, 0.5.
  const std::vector<double> q = false_discovery_rates(std::vector<double>{0.01, 0.04, 0.03, 0.005, 0.5});
  const std::vector<double> expected = {0.025, 0.05, 0.05, 0.025, 0.5};
  for (std::size_t i = 0; i < q.size(); ++i) EXPECT_DOUBLE_EQ(q[i], expected[i]);
  // 0.02 times 4/1 is more than the least of those above it, 0.03 times 4/4.
  for (const double value : false_discovery_rates(std::vector<double>{0.02, 0.03, 0.03, 0.03})) {
    EXPECT_DOUBLE_EQ(value, 0.03);
  }
}

TEST(TurnSummary, ByHand) {
  UnitTurns turns;
  turns.turns = {-3, 1, 0, -4};
  for (UnitTurns::Null& null : turns.null) {
    null.abs_mean = {1, 2, 3, 4};
    null.p_more = {0.04, 0.04, 0.06, 0.9};     // q: 0.08, 0.08, 0.08, 0.9
    null.p_fewer = {0.001, 0.05, 0.9, 0.024};  // q: 0.004, 0.0667, 0.9, 0.048
  }
  turns.null[3].p_more = {1, 1, 1, 1};
  const TurnSummary summary = summarise(turns);
  EXPECT_DOUBLE_EQ(summary.mean, 2);
  EXPECT_DOUBLE_EQ(summary.null[0].mean, 2.5);
  EXPECT_DOUBLE_EQ(summary.null[0].more, 0.5);
  EXPECT_DOUBLE_EQ(summary.null[0].more_discovered, 0);
  EXPECT_DOUBLE_EQ(summary.null[0].fewer, 0.5);
  EXPECT_DOUBLE_EQ(summary.null[0].fewer_discovered, 0.5);
  EXPECT_DOUBLE_EQ(summary.null[3].more, 0);
  EXPECT_TRUE(std::isnan(summarise({}).mean));
}

}  // namespace
}  // namespace orrery::statistics
