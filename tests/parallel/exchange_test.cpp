#include "orrery/parallel/exchange.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace orrery::parallel {
namespace {

TEST(Exchange, BringsEveryBlockToItsRank) {
  const auto ranks = Communicator::world();
  // Rank r has r + p numbers for rank p, so that some blocks are empty and a pair's two differ in length.
  std::vector<int> seen(static_cast<std::size_t>(ranks.size()), 0);
  exchange<std::int64_t>(
      ranks,
      [&](int to) {
        return std::vector<std::int64_t>(static_cast<std::size_t>(ranks.rank() + to),
                                         100 * ranks.rank() + to);
      },
      [&](int from, std::span<const std::int64_t> block) {
        ++seen[static_cast<std::size_t>(from)];
        ASSERT_EQ(std::ssize(block), from + ranks.rank());
        for (const std::int64_t value : block) EXPECT_EQ(value, 100 * from + ranks.rank());
      });
  for (const int count : seen) EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace orrery::parallel
