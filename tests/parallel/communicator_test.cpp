#include "orrery/parallel/communicator.hpp"

#include "orrery/core/error.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

namespace orrery::parallel {
namespace {

TEST(Communicator, ReducesOverAllRanks) {
  const auto ranks = Communicator::world();
  const std::int64_t n = ranks.size();
  const std::int64_t big = std::int64_t{1} << 40;  // beyond 32 bits
  EXPECT_EQ(ranks.sum(big + ranks.rank()), n * big + n * (n - 1) / 2);
  EXPECT_EQ(ranks.min(std::int64_t{-ranks.rank()}), 1 - n);
  EXPECT_EQ(ranks.max(std::int64_t{ranks.rank()}), n - 1);
  EXPECT_EQ(ranks.max(0.5 * ranks.rank()), 0.5 * static_cast<double>(n - 1));
}

TEST(Communicator, ANanIsNotLostInAMaximum) {
  const auto ranks = Communicator::world();
  const double value = ranks.rank() == ranks.size() - 1 ? std::nan("") : 1.0;
  EXPECT_THROW(ranks.max(value), core::Error);
}

TEST(Communicator, ReducesListsInPlace) {
  const auto ranks = Communicator::world();
  const std::int64_t n = ranks.size();
  std::vector<std::int64_t> sums{ranks.rank(), std::int64_t{1} << 40, -1};
  ranks.sum(sums);
  EXPECT_EQ(sums, (std::vector<std::int64_t>{n * (n - 1) / 2, n << 40, -n}));
  std::vector<double> least{1.0 * ranks.rank(), -0.5 * ranks.rank()};
  std::vector<double> greatest = least;
  ranks.min(least);
  ranks.max(greatest);
  EXPECT_EQ(least, (std::vector<double>{0, -0.5 * static_cast<double>(n - 1)}));
  EXPECT_EQ(greatest, (std::vector<double>{static_cast<double>(n - 1), 0}));
  ranks.sum(std::span<std::int64_t>{});  // nothing is something that can be added up
}

TEST(Communicator, SumsWrapAtTheRoot) {
  const auto ranks = Communicator::world();
  const std::int64_t quarter = std::int64_t{1} << 62;  // four of them are 2⁶⁴, which is 0
  for (int root = 0; root < ranks.size(); ++root) {
    std::vector<std::int64_t> values{ranks.rank() + root, quarter};
    ranks.reduce(values, root);
    if (ranks.rank() != root) continue;
    const std::int64_t n = ranks.size();
    EXPECT_EQ(values[0], n * (n - 1) / 2 + n * root);
    EXPECT_EQ(static_cast<std::uint64_t>(values[1]), static_cast<std::uint64_t>(n) << 62);
  }
}

TEST(Communicator, ANanInAListIsNotLost) {
  const auto ranks = Communicator::world();
  std::vector<double> values{1, ranks.rank() == ranks.size() - 1 ? std::nan("") : 2.0};
  EXPECT_THROW(ranks.max(values), core::Error);
  EXPECT_THROW(ranks.min(values), core::Error);
}

TEST(Communicator, BroadcastsTextOfAnyLengthFromAnyRank) {
  const auto ranks = Communicator::world();
  const int last = ranks.size() - 1;
  const std::string long_text(1000, 'a');
  EXPECT_EQ(ranks.broadcast(ranks.rank() == last ? long_text : "mine", last), long_text);
  EXPECT_EQ(ranks.broadcast(ranks.is_root() ? "" : "mine"), "");
}

TEST(Communicator, GathersByRank) {
  const auto ranks = Communicator::world();
  std::vector<double> mine(static_cast<std::size_t>(ranks.rank()), 0.5 * ranks.rank());  // rank 0 has none
  const auto all = ranks.gather_values(std::span<const double>(mine));
  if (!ranks.is_root()) {
    EXPECT_TRUE(all.empty());
    return;
  }
  ASSERT_EQ(std::ssize(all), ranks.size());
  for (int rank = 0; rank < ranks.size(); ++rank) {
    EXPECT_EQ(all[static_cast<std::size_t>(rank)],
              std::vector<double>(static_cast<std::size_t>(rank), 0.5 * rank));
  }
}

TEST(Communicator, PassesBytesDownTheRanks) {
  const auto ranks = Communicator::world();
  std::vector<std::int64_t> counts(3, 0);
  if (!ranks.is_root()) ranks.receive(std::as_writable_bytes(std::span(counts)), ranks.rank() - 1);
  EXPECT_EQ(counts, std::vector<std::int64_t>(3, ranks.rank()));
  for (std::int64_t& count : counts) ++count;
  if (ranks.rank() + 1 < ranks.size()) ranks.send(std::as_bytes(std::span(counts)), ranks.rank() + 1);
}

TEST(Communicator, AllGathersTextsWithAnyCharacters) {
  const auto ranks = Communicator::world();
  const auto all =
      ranks.all_gather(ranks.is_root() ? "" : "1:" + std::to_string(ranks.rank()) + std::string(1, '\0'));
  ASSERT_EQ(std::ssize(all), ranks.size());
  EXPECT_EQ(all[0], "");
  for (int rank = 1; rank < ranks.size(); ++rank) {
    EXPECT_EQ(all[static_cast<std::size_t>(rank)], "1:" + std::to_string(rank) + std::string(1, '\0'));
  }
}

TEST(Communicator, SplitsByColorAndByNode) {
  const auto ranks = Communicator::world();
  const auto half = ranks.split(ranks.rank() % 2);
  EXPECT_EQ(half.size(), (ranks.size() + 1 - ranks.rank() % 2) / 2);
  EXPECT_EQ(half.rank(), ranks.rank() / 2);
  EXPECT_EQ(ranks.split_by_node().size(), ranks.size());  // the tests run on one node
  EXPECT_EQ(Communicator::self().size(), 1);
}

TEST(Communicator, AMovedOneKeepsRankAndSize) {
  auto ranks = Communicator::world();
  const int rank = ranks.rank();
  const Communicator moved = std::move(ranks);
  EXPECT_EQ(moved.rank(), rank);
  EXPECT_EQ(moved.min(std::int64_t{1}), 1);
}

TEST(Communicator, SendsAroundARing) {
  const auto ranks = Communicator::world();
  const int to = (ranks.rank() + 1) % ranks.size();
  const int from = (ranks.rank() + ranks.size() - 1) % ranks.size();
  std::vector<std::int32_t> mine(static_cast<std::size_t>(3 * ranks.rank()), ranks.rank());
  const auto bytes = ranks.send_receive(std::as_bytes(std::span(mine)), to, from);
  ASSERT_EQ(bytes.size(), static_cast<std::size_t>(3 * from) * sizeof(std::int32_t));
  const auto* values = reinterpret_cast<const std::int32_t*>(bytes.data());
  for (int i = 0; i < 3 * from; ++i) EXPECT_EQ(values[i], from);
}

}  // namespace
}  // namespace orrery::parallel
