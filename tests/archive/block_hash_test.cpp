#include "src/archive/block_hash.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace orrery::archive {
namespace {

// Hashes lie in files: they may never be another's.
TEST(BlockHash, IsXxh64) {
  const auto hash = [](std::string_view text) { return block_hash(std::as_bytes(std::span(text))); };
  EXPECT_EQ(hash({}), 0xef46db3751d8e999);
  EXPECT_EQ(hash(""), 0xef46db3751d8e999);
  EXPECT_EQ(hash("a"), 0xd24ec4f1a98c6e5b);
  EXPECT_EQ(hash("abc"), 0x44bc2cf5ad770999);
  EXPECT_EQ(hash("Nobody inspects the spammish repetition"), 0xfbcea83c8a378bf1);
}

}  // namespace
}  // namespace orrery::archive
