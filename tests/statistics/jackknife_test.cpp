#include "orrery/statistics/jackknife.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace orrery::statistics {
namespace {

TEST(SampleBlocks, CoverAllSamplesOnceInOrder) {
  for (const std::int64_t samples : {3, 9, 10, 11, 667, 1000}) {
    const SampleBlocks blocks(samples);
    EXPECT_EQ(blocks.count(), std::min<std::int64_t>(samples, 10));
    EXPECT_EQ(blocks.begin(0), 0);
    EXPECT_EQ(blocks.end(blocks.count() - 1), samples);
    for (std::int64_t block = 0; block < blocks.count(); ++block) {
      EXPECT_GE(blocks.size(block), samples / 10);
      EXPECT_LE(blocks.size(block), samples / 10 + 1);
      EXPECT_TRUE(blocks.holds(block, blocks.begin(block)));
      EXPECT_FALSE(blocks.holds(block, blocks.end(block)));
    }
  }
}

TEST(SampleBlocks, AreNoneWhereNothingHasASpread) {
  for (const std::int64_t samples : {0, 1, 2}) EXPECT_EQ(SampleBlocks(samples).count(), 0);
}

TEST(JackknifeError, OfAMeanIsItsStandardError) {
  // Of the mean of 1, 2, 3, 6: means without each are 11/3, 10/3, 3, 2; the error is σ/√4 with σ² = 14/3.
  EXPECT_NEAR(jackknife_error(std::vector<double>{11.0 / 3, 10.0 / 3, 3, 2}), std::sqrt(14.0 / 3 / 4), 1e-15);
}

TEST(JackknifeError, IsNotANumberWhereOneValueIs) {
  EXPECT_TRUE(std::isnan(jackknife_error(std::vector<double>{1, std::nan(""), 3})));
  EXPECT_TRUE(std::isnan(jackknife_error(std::vector<double>{})));
  EXPECT_TRUE(std::isnan(jackknife_error(std::vector<double>{1})));
}

}  // namespace
}  // namespace orrery::statistics
