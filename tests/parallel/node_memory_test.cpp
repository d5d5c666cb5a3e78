#include "orrery/parallel/node_memory.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace orrery::parallel {
namespace {

// Each part is written once a node, and all ranks read all parts, whether or not they share the memory.
TEST(NodeMemory, WhatTheWritersWroteIsSeenByAll) {
  const auto ranks = Communicator::world();
  const auto node = ranks.split_by_node();
  constexpr std::int64_t parts = 7, part_bytes = 4096;
  NodeMemory memory(node, parts * part_bytes);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.bytes().data()) % 64, 0U);
  for (std::int64_t part = 0; part < parts; ++part) {
    EXPECT_EQ(node.sum(memory.writes(part) ? 1 : 0), 1);
    if (!memory.writes(part)) continue;
    const auto place = memory.bytes().subspan(static_cast<std::size_t>(part * part_bytes), part_bytes);
    std::ranges::fill(place, static_cast<std::byte>(part + 1));
  }
  memory.publish();
  for (std::int64_t part = 0; part < parts; ++part) {
    EXPECT_EQ(memory.bytes()[static_cast<std::size_t>(part * part_bytes + part_bytes - 1)],
              static_cast<std::byte>(part + 1));
  }
  memory.free();
  EXPECT_TRUE(memory.bytes().empty());
}

TEST(NodeMemory, MayBeEmpty) {
  const auto node = Communicator::world().split_by_node();
  NodeMemory memory(node, 0);
  memory.publish();
  memory.free();
}

}  // namespace
}  // namespace orrery::parallel
