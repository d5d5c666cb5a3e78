#include "orrery/text/utf8.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace orrery::text {
namespace {

using namespace std::string_literals;

TEST(Utf8, FindsTheFirstFault) {
  struct Case {
    std::string bytes;
    std::size_t offset;
    std::string reason;
  };
  const std::vector<Case> cases{
      {"ab\x80", 2, "a continuation byte alone"},
      {"\xBF", 0, "a continuation byte alone"},
      {"a\xC3", 1, "a sequence that is cut short"},
      {"a\xC3z", 1, "a sequence that is cut short"},
      {"\xE2\x82", 0, "a sequence that is cut short"},
      {"\xE2\x82\xC3\xA4", 0, "a sequence that is cut short"},
      {"\xF0\x9F\x98", 0, "a sequence that is cut short"},
      {"\xC0\xAF", 0, "an overlong form"},
      {"\xC1\xBF", 0, "an overlong form"},
      {"\xE0\x9F\xBF", 0, "an overlong form"},
      {"\xF0\x8F\xBF\xBF", 0, "an overlong form"},
      {"ä\xED\xA0\x80", 2, "a surrogate"},
      {"\xED\xBF\xBF", 0, "a surrogate"},
      {"\xF4\x90\x80\x80", 0, "a code point above U+10FFFF"},
      {"\xF5\x80\x80\x80", 0, "a byte that UTF-8 never has"},
      {"\xFE", 0, "a byte that UTF-8 never has"},
      {"x\xFF", 1, "a byte that UTF-8 never has"},
  };
  for (const auto& [bytes, offset, reason] : cases) {
    const auto fault = find_utf8_fault(bytes);
    ASSERT_TRUE(fault) << reason;
    EXPECT_EQ(fault->offset, offset) << reason;
    EXPECT_EQ(fault->reason, reason);
  }
}

// Every code point, both ways: surrogates are faults, all others come back.
TEST(Utf8, EveryCodePointComesBack) {
  for (char32_t code_point = 0; code_point <= 0x110000; ++code_point) {
    std::string text;
    append_utf8(code_point, text);
    const bool valid = code_point < 0xD800 || (code_point > 0xDFFF && code_point <= 0x10FFFF);
    ASSERT_EQ(!find_utf8_fault(text), valid) << std::hex << static_cast<unsigned>(code_point);
    if (!valid) continue;
    std::size_t offset = 0;
    ASSERT_EQ(next_code_point(text, offset), code_point);
    ASSERT_EQ(offset, text.size());
    ASSERT_EQ(count_code_points(text), 1);
  }
}

TEST(Utf8, CountsCodePointsNotBytes) {
  EXPECT_EQ(count_code_points(""), 0);
  EXPECT_EQ(count_code_points("Größe"), 5);
  EXPECT_EQ(count_code_points("a\0b"s), 3);
  EXPECT_EQ(count_code_points("😀\u0301"), 2);
}

TEST(Utf8, StripsAsPythonDoes) {
  EXPECT_EQ(strip(""), "");
  EXPECT_EQ(strip(" \t\r\n\v\f"), "");
  EXPECT_EQ(strip("a b"), "a b");
  EXPECT_EQ(strip("\u3000\u2003 ä b ö\u00A0\u0085\u2029"), "ä b ö");
  EXPECT_EQ(strip("\x1C\x1D\x1E\x1F"
                  "a\x1F"),
            "a");
  // Neither of these is white space, though other tables have them.
  EXPECT_EQ(strip("\u180Ea\u200B"), "\u180Ea\u200B");
  EXPECT_EQ(strip("\uFEFFa"), "\uFEFFa");
  EXPECT_EQ(strip("\0 a \0"s), "\0 a \0"s);
}

}  // namespace
}  // namespace orrery::text
