#include "orrery/statistics/trace_statistics.hpp"

#include "tests/statistics/data.hpp"
#include "tests/statistics/reference.hpp"
#include "tests/statistics/trace_numbers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;

TEST(TraceStatistics, SameBitsForAnyRanksAssignmentAndThreads) {
  const Communicator ranks = Communicator::world();
  const Communicator alone = Communicator::self();
  for (const Extent& extent : {Extent{203, 5, 190}, {90, 7, 333}, {3, 3, 70}, {2, 9, 64}, {1, 3, 5}}) {
    const Data data = testing::walk(extent, 81);
    StatisticsOptions options{16, 1, 20, 0, testing::points_of(extent)};
    const TraceStatistics plain =
        trace_statistics(alone, testing::deal(alone, data, at::kFloat, 0), extent, options);
    const testing::Numbers expected = testing::numbers_of(alone, plain, extent, options);
    for (const std::uint64_t seed : {0, 1, 2, 3}) {
      for (const int threads : {1, 2, 3}) {
        const SampleShard rows = testing::deal(ranks, data, at::kFloat, seed);
        options.threads = threads;
        const TraceStatistics got = trace_statistics(ranks, rows, extent, options);
        testing::expect_same_bits(ranks, testing::numbers_of(ranks, got, extent, options), expected,
                                  "seed " + std::to_string(seed) + ", threads " + std::to_string(threads));
      }
    }
  }
}

// One row has a zero stream, whose cosines are left out.
TEST(TraceStatistics, TheRandomBasisControlMeasuresItsOwnSteps) {
  const Communicator ranks = Communicator::world();
  Data data = testing::walk({13, 5, 70}, 83);
  for (std::int64_t d = 0; d < 70; ++d) data.at(4, 2, d) = 0;
  const StatisticsOptions options{.components = 4,
                                  .threads = 2,
                                  .permutations = 20,
                                  .seed = 6,
                                  .points = testing::points_of(data.extent)};
  const TraceMoments got =
      trace_statistics(ranks, testing::deal(ranks, data, at::kDouble, 2), data.extent, options).moments;
  if (!ranks.is_root()) return;
  const SampleShard rows = testing::deal(Communicator::self(), data, at::kDouble, 0);
  const at::Tensor rotated = rotate(rows, random_basis(70, 6), 1).x;
  Data turned = data;
  std::copy_n(rotated.const_data_ptr<double>(), rotated.numel(), turned.x.begin());
  ASSERT_EQ(got.random_basis.steps.cosine.size(), 4);
  ASSERT_EQ(got.random_basis.steps.velocity.size(), 4);
  for (std::int64_t s = 0; s < 4; ++s) {
    EXPECT_NEAR(got.random_basis.steps.cosine[s], reference::row_mean(turned, reference::cosine, s), 1e-13);
    EXPECT_NEAR(got.random_basis.steps.velocity[s], reference::row_mean(turned, reference::velocity, s),
                1e-11);
    EXPECT_NEAR(got.random_basis.steps.velocity[s], got.rows.of("/continuity/velocity").mean[s], 1e-11);
  }
}

TEST(TraceStatistics, KeepsTheSampleShard) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::walk({11, 3, 70}, 82);
  const SampleShard rows = testing::deal(ranks, data, at::kFloat, 1);
  const at::Tensor before = rows.x.clone();
  trace_statistics(ranks, rows, data.extent, {4, 2, 20, 0, testing::points_of(data.extent)});
  EXPECT_TRUE(testing::same_bits(rows.x, before));
}

TEST(StatisticsCost, FallsWithRanksAndGrowsWithTheRun) {
  const Extent extent{1000, 65, 4096};
  const std::int64_t shard = 1000 * 65 * 4096 * std::int64_t{4};
  const std::int64_t alone = statistics_bytes(extent, 1, {64, 2}, 4);
  EXPECT_GT(alone, shard);
  EXPECT_LT(alone, 3 * shard);  // those of the units, as they are and in a random basis
  EXPECT_LT(statistics_bytes(extent, 4, {64, 2}, 4), alone / 2);
  EXPECT_GT(statistics_bytes(extent, 1, {64, 2}, 8), alone + shard / 2);
  EXPECT_GT(statistics_flops(extent, 1000), 1e11);
  EXPECT_LT(statistics_flops(extent, 1000), 1e13);
}

}  // namespace
}  // namespace orrery::statistics
