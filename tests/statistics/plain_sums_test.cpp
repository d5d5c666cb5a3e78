// Linked with gram_sums.cpp as plain sums of doubles in place of exact ones: the test that exact sums pass
// for any number of ranks must fail, else it would show nothing.
#include "tests/statistics/streamed.hpp"

#include <gtest/gtest.h>

namespace orrery::statistics {
namespace {

TEST(PlainSums, ChangeWithRanksOrDealing) {
  const parallel::Communicator ranks = parallel::Communicator::world();
  const testing::Data data = testing::walk({150, 5, 140}, 28);
  EXPECT_GT(testing::differences(ranks, data, {.pilot = 8, .seed = 1, .round = 13}), 0);
  EXPECT_GT(testing::differences(ranks, data, {.pilot = 0, .seed = 2, .round = 60}), 0);
}

TEST(PlainSums, AreNearTheExactOnesAllTheSame) {
  const parallel::Communicator alone = parallel::Communicator::self();
  const testing::Data data = testing::noise({300, 2, 3}, 28);
  const UnitStatistics plain = testing::stream(alone, data, {.pilot = 0}).units;
  const SampleShard rows = testing::deal(alone, data, at::kFloat, 0);
  const UnitStatistics kept = unit_statistics(alone, by_unit(alone, rows, data.extent), data.extent, 1);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(plain.correlation[i], kept.correlation[i], 1e-12);
}

}  // namespace
}  // namespace orrery::statistics
