#include "orrery/core/error.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/narrow.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>

namespace orrery::core {
namespace {

TEST(Error, ReadsAsProblemSeenAndAdvice) {
  const Error error = bad_input("config.json: head_dim is odd", "7", "an even number is needed");
  EXPECT_STREQ(error.what(), "config.json: head_dim is odd (7): an even number is needed");
  EXPECT_EQ(error.code(), ExitCode::bad_input);
}

TEST(Error, IsOneLineWhateverAFileHolds) {
  const Error error = bad_input("tensor a\nb is there twice", "\x1b[2J\r", "copy it again");
  EXPECT_STREQ(error.what(), "tensor a?b is there twice (?[2J?): copy it again");
}

TEST(Error, MakersGiveTheExitCodesOfTheContract) {
  EXPECT_EQ(static_cast<int>(usage_error("a", "b", "c").code()), 64);
  EXPECT_EQ(static_cast<int>(bad_input("a", "b", "c").code()), 65);
  EXPECT_EQ(static_cast<int>(internal_error("a", "b", "c").code()), 70);
  EXPECT_EQ(static_cast<int>(io_error("a", "b", "c").code()), 74);
  EXPECT_EQ(static_cast<int>(resource_error("a", "b", "c").code()), 75);
}

TEST(Error, OfTheSystemNamesPathAndReason) {
  errno = ENOENT;
  const Error error = system_error("cannot open", "/no/such", "check its name");
  EXPECT_STREQ(error.what(), "cannot open (/no/such: No such file or directory): check its name");
}

TEST(Narrow, KeepsWhatFitsAndRefusesTheRest) {
  EXPECT_EQ(narrow<int>(std::int64_t{-7}), -7);
  EXPECT_EQ(narrow<std::uint8_t>(255), 255);
  EXPECT_THROW(narrow<std::uint8_t>(256), Error);
  EXPECT_THROW(narrow<std::size_t>(-1), Error);
  EXPECT_THROW(narrow<int>(std::int64_t{1} << 31), Error);
}

TEST(Concat, WritesItsPartsOneAfterTheOther) {
  EXPECT_EQ(concat("a", 3, ' ', 0.5), "a3 0.5");
}

}  // namespace
}  // namespace orrery::core
