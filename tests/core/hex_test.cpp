#include "orrery/core/hex.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace orrery::core {
namespace {

TEST(Hex, IsLowerCaseWithLeadingZerosWhereAskedFor) {
  EXPECT_EQ(hex(0), "0");
  EXPECT_EQ(hex(0x1F600), "1f600");
  EXPECT_EQ(hex(0, 2), "00");
  EXPECT_EQ(hex(0xA, 2), "0a");
  EXPECT_EQ(hex(0xABC, 2), "abc");
  EXPECT_EQ(hex(0xDEF, 16), "0000000000000def");
  EXPECT_EQ(hex(std::numeric_limits<std::uint64_t>::max(), 16), "ffffffffffffffff");
}

}  // namespace
}  // namespace orrery::core
