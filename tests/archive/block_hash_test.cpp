#include "src/archive/block_hash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

namespace orrery::archive {
namespace {

TEST(BlockHash, SeesEveryFlippedBitAndEveryLength) {
  std::set<std::uint64_t> seen;
  for (const std::size_t length : {0U, 1U, 7U, 8U, 31U, 32U, 33U, 64U, 100U}) {
    std::vector<std::byte> bytes(length, std::byte{0});
    EXPECT_TRUE(seen.insert(block_hash(bytes)).second) << length;
    for (std::size_t bit = 0; bit < 8 * length; ++bit) {
      bytes[bit / 8] ^= std::byte(1U << (bit % 8));
      EXPECT_TRUE(seen.insert(block_hash(bytes)).second) << length << " bytes, bit " << bit;
      bytes[bit / 8] ^= std::byte(1U << (bit % 8));
    }
  }
}

TEST(BlockHash, IsXxh64) {
  const auto hash = [](std::string_view text) { return block_hash(std::as_bytes(std::span(text))); };
  EXPECT_EQ(hash(""), 0xef46db3751d8e999);
  EXPECT_EQ(hash("a"), 0xd24ec4f1a98c6e5b);
  EXPECT_EQ(hash("abc"), 0x44bc2cf5ad770999);
  EXPECT_EQ(hash("Nobody inspects the spammish repetition"), 0xfbcea83c8a378bf1);
}

TEST(BlockHash, SeesBlocksThatChangedPlaces) {
  std::vector<std::byte> bytes(256);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::byte(i);
  const std::uint64_t before = block_hash(bytes);
  for (const std::ptrdiff_t width : {8, 32, 64}) {
    std::vector<std::byte> moved = bytes;
    std::swap_ranges(moved.begin(), moved.begin() + width, moved.begin() + width);
    EXPECT_NE(block_hash(moved), before) << width;
  }
}

}  // namespace
}  // namespace orrery::archive
