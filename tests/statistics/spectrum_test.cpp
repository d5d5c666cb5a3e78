#include "orrery/statistics/spectrum.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace orrery::statistics {
namespace {

using Values = std::vector<double>;

TEST(ComponentsFor, CountsUntilTheShareIsReached) {
  const Values values = {6, 3, 1, 0};
  EXPECT_EQ(components_for(values, 0.50), 1);
  EXPECT_EQ(components_for(values, 0.60), 1);  // reached exactly
  EXPECT_EQ(components_for(values, 0.61), 2);
  EXPECT_EQ(components_for(values, 0.90), 2);
  EXPECT_EQ(components_for(values, 0.99), 3);  // a zero eigenvalue is never needed
  EXPECT_EQ(components_for(Values{}, 0.5), 0);
  EXPECT_EQ(components_for(Values{0, 0}, 0.5), 0);
}

TEST(ComponentsFor, EqualEigenvaluesDontDependOnRounding) {
  for (const double value : {1.0, 0.1, 1.0 / 3, 7e-5}) {
    EXPECT_EQ(components_for(Values(10, value), 0.80), 8);
    EXPECT_EQ(components_for(Values(20, value), 0.95), 19);
  }
}

TEST(EffectiveRank, IsTheCountOfEqualEigenvalues) {
  EXPECT_NEAR(effective_rank(Values{2, 2, 2, 0}), 3, 1e-14);
  EXPECT_NEAR(effective_rank(Values{3, 1}), std::exp(0.75 * std::log(4.0 / 3) + 0.25 * std::log(4.0)), 1e-14);
  EXPECT_TRUE(std::isnan(effective_rank(Values{0, 0})));
}

TEST(RankOf, CountsAboveRounding) {
  const double epsilon = 0x1p-52;
  EXPECT_EQ(rank_of(Values{1, 10.5 * epsilon, 9.5 * epsilon, 0}, 10, 4), 2);
  EXPECT_EQ(rank_of(Values{1, 10.5 * epsilon, 9.5 * epsilon, 0}, 4, 11), 1);
  EXPECT_EQ(rank_of(Values{1, 10.5 * epsilon, 9.5 * epsilon, 0}, 10, 4, epsilon), 1);
  EXPECT_EQ(rank_of(Values{0, 0}, 10, 4), 0);
  EXPECT_EQ(rank_of(Values{}, 1, 4), 0);
}

TEST(ParticipationRatio, Corrected) {
  // tr C = 4, tr C² = 10, 5 rows: M = 4, T = 16/18 · (10 − 4) = 16/3, so 16/T = 3.
  EXPECT_DOUBLE_EQ(corrected_participation_ratio(4, 10, 5), 3);
  EXPECT_DOUBLE_EQ(participation_ratio(4, 10), 1.6);
  EXPECT_TRUE(std::isnan(corrected_participation_ratio(4, 16, 2)));  // M = 1
  EXPECT_TRUE(std::isnan(corrected_participation_ratio(4, 4, 5)));   // four equal eigenvalues of four: T = 0
  EXPECT_TRUE(std::isnan(corrected_participation_ratio(0, 0, 5)));
  EXPECT_TRUE(std::isnan(participation_ratio(0, 0)));
}

}  // namespace
}  // namespace orrery::statistics
