#include "orrery/schedule/tiles.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace orrery::schedule {
namespace {

std::vector<std::int64_t> samples_of(const Tile& tile) {
  std::vector<std::int64_t> samples;
  for (const core::Sample sample : tile.samples) samples.push_back(sample.value());
  return samples;
}

TEST(MakeTiles, GroupsSamplesOfSimilarLength) {
  const std::vector<std::int64_t> lengths = {5, 2, 9, 2, 5};
  const auto tiles = make_tiles(lengths, 10);
  ASSERT_EQ(tiles.size(), 3U);
  EXPECT_EQ(samples_of(tiles[0]), (std::vector<std::int64_t>{1, 3}));  // 2 × 2; a third of 5 would make 15
  EXPECT_EQ(samples_of(tiles[1]), (std::vector<std::int64_t>{0, 4}));  // 2 × 5, equal ones in corpus order
  EXPECT_EQ(samples_of(tiles[2]), (std::vector<std::int64_t>{2}));
  EXPECT_EQ(tiles[1].length, 5);
  EXPECT_EQ(tiles[1].tokens(), 10);
}

TEST(MakeTiles, ASampleLongerThanATileStandsAlone) {
  const std::vector<std::int64_t> lengths = {100, 3, 200};
  const auto tiles = make_tiles(lengths, 50);
  ASSERT_EQ(tiles.size(), 3U);
  EXPECT_EQ(tiles[2].tokens(), 200);
}

TEST(MakeTiles, HoldsEverySampleOnceAndLittlePadding) {
  std::vector<std::int64_t> lengths;
  std::int64_t tokens = 0;
  for (std::int64_t n = 0; n < 500; ++n) tokens += lengths.emplace_back(20 + (n * 7919) % 120);
  std::multiset<std::int64_t> seen;
  std::int64_t padded = 0;
  for (const Tile& tile : make_tiles(lengths, 512)) {
    EXPECT_LE(tile.tokens(), 512);
    padded += tile.tokens();
    for (const core::Sample sample : tile.samples) {
      seen.insert(sample.value());
      EXPECT_LE(lengths[static_cast<std::size_t>(sample.value())], tile.length);
    }
  }
  EXPECT_EQ(seen.size(), lengths.size());
  EXPECT_EQ(std::set<std::int64_t>(seen.begin(), seen.end()).size(), lengths.size());
  EXPECT_LT(static_cast<double>(padded), 1.02 * static_cast<double>(tokens));
}

TEST(Deal, GivesEachItemToOneRankAndBalancesCosts) {
  std::vector<double> costs;
  double total = 0;
  for (int i = 0; i < 100; ++i) total += costs.emplace_back(1.0 + i % 7);
  const auto shares = deal(costs, 3);
  std::set<std::int64_t> seen;
  for (const auto& share : shares) {
    double load = 0;
    for (const std::int64_t item : share) {
      EXPECT_TRUE(seen.insert(item).second);
      load += costs[static_cast<std::size_t>(item)];
    }
    EXPECT_TRUE(std::ranges::is_sorted(share));
    EXPECT_NEAR(load, total / 3, 7.0);  // greedy: within one item of even
  }
  EXPECT_EQ(seen.size(), costs.size());
}

TEST(Deal, LeavesRanksEmptyWhereThereAreMoreThanItems) {
  const std::vector<double> costs = {1.0, 2.0};
  const auto shares = deal(costs, 4);
  EXPECT_EQ(shares[0], (std::vector<std::int64_t>{1}));
  EXPECT_EQ(shares[1], (std::vector<std::int64_t>{0}));
  EXPECT_TRUE(shares[2].empty());
}

}  // namespace
}  // namespace orrery::schedule
