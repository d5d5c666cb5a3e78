#include "orrery/text/unicode_categories.hpp"

#include "orrery/text/split_pattern.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {
namespace {

using Ranges = std::vector<CodePointRange>;

constexpr char32_t code_points = 0x110000;

bool is_surrogate(char32_t code_point) {
  return code_point >= 0xD800 && code_point <= 0xDFFF;
}

/// Of a name that is known.
Ranges ranges_of(std::string_view name) {
  return category_ranges(name).value();
}

/// For every code point, whether it is in `ranges`.
std::vector<bool> members(const Ranges& ranges) {
  std::vector<bool> found(code_points);
  for (const CodePointRange range : ranges) {
    for (char32_t code_point = range.first; code_point <= range.last; ++code_point) found[code_point] = true;
  }
  return found;
}

/// For every code point, whether a pattern of one class matches it: of two alike in a row each is then a
/// piece, and otherwise nothing cuts between them.
std::vector<bool> matched(std::string_view pattern) {
  std::string text;
  std::vector<std::size_t> middles(code_points);
  for (char32_t code_point = 0; code_point < code_points; ++code_point) {
    if (is_surrogate(code_point)) continue;
    append_utf8(code_point, text);
    middles[code_point] = text.size();
    append_utf8(code_point, text);
  }
  std::vector<std::size_t> ends;
  SplitPattern(pattern, "test").split(text, 0, ends);
  std::vector<bool> is_end(text.size() + 1);
  for (const std::size_t end : ends) is_end[end] = true;
  std::vector<bool> found(code_points);
  for (char32_t code_point = 0; code_point < code_points; ++code_point)
    found[code_point] = middles[code_point] > 0 && is_end[middles[code_point]];
  return found;
}

TEST(UnicodeCategories, AreThoseOfUnicode16) {
  const auto count = [](std::string_view name) {
    char32_t sum = 0;
    for (const CodePointRange range : ranges_of(name)) sum += range.last - range.first + 1;
    return sum;
  };
  EXPECT_EQ(count("L"), 141028U);
  EXPECT_EQ(count("N"), 1911U);
  EXPECT_EQ(count("Nd"), 760U);
  EXPECT_EQ(count("M"), 2501U);
  EXPECT_EQ(count("P"), 855U);
  EXPECT_EQ(count("Any"), code_points - 0x800);
  EXPECT_TRUE(members(ranges_of("Nd"))[0x1E4F0]);   // since Unicode 15
  EXPECT_TRUE(members(ranges_of("Nd"))[0x10D40]);   // 16
  EXPECT_FALSE(members(ranges_of("Nd"))[0x11DE0]);  // 17
}

TEST(UnicodeCategories, AreNamedAsInPatterns) {
  const auto alike = [](std::string_view one, std::string_view other) {
    return members(ranges_of(one)) == members(ranges_of(other));
  };
  EXPECT_TRUE(alike("lu", "Uppercase_Letter"));
  EXPECT_TRUE(alike("L", "letter"));
  EXPECT_TRUE(alike("Zs", "space separator"));
  EXPECT_FALSE(alike("L", "LC"));
  for (const char* name : {"", "X", "Lx", "Luu", "Han", "Alphabetic", "L&", "Cs"})
    EXPECT_FALSE(category_ranges(name)) << name;
}

TEST(UnicodeCategories, OneIsInOneOnly) {
  std::vector<int> categories(code_points);
  for (const char* name :
       {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe",
        "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cn", "Co"}) {
    for (const CodePointRange range : ranges_of(name)) {
      for (char32_t code_point = range.first; code_point <= range.last; ++code_point)
        ++categories[code_point];
    }
  }
  for (char32_t code_point = 0; code_point < code_points; ++code_point)
    ASSERT_EQ(categories[code_point], is_surrogate(code_point) ? 0 : 1)
        << static_cast<std::uint32_t>(code_point);
}

TEST(UnicodeCategories, ComplementAndJoined) {
  const auto text_of = [](const Ranges& ranges) {
    std::string text;
    for (const CodePointRange range : ranges)
      text += std::to_string(range.first) + "-" + std::to_string(range.last) + " ";
    return text;
  };
  EXPECT_EQ(text_of(joined({{9, 9}, {1, 3}, {4, 5}, {2, 2}})), "1-5 9-9 ");
  EXPECT_EQ(text_of(complement({{0, 9}, {20, 0x10FFFF}})), "10-19 ");
  EXPECT_EQ(text_of(complement({})), "0-55295 57344-1114111 ");
}

// Whatever Unicode PCRE2 has.
TEST(UnicodeCategories, PatternsHaveThem) {
  const auto white_space = members({white_space_ranges.begin(), white_space_ranges.end()});
  const auto negated = [](std::vector<bool> ranges) {
    for (char32_t code_point = 0; code_point < code_points; ++code_point)
      ranges[code_point] = !ranges[code_point] && !is_surrogate(code_point);
    return ranges;
  };
  const auto category = [](std::string_view name) { return members(ranges_of(name)); };
  EXPECT_EQ(matched(R"(\p{L})"), category("L"));
  EXPECT_EQ(matched(R"(\p{N})"), category("N"));
  EXPECT_EQ(matched(R"([\p{M}])"), category("M"));
  EXPECT_EQ(matched(R"([^\P{P}])"), category("P"));
  EXPECT_EQ(matched(R"(\p{Lu})"), category("Lu"));
  EXPECT_EQ(matched(R"(\d)"), category("Nd"));
  EXPECT_EQ(matched(R"(\s)"), white_space);
  EXPECT_EQ(matched(R"([\S])"), negated(white_space));
  EXPECT_EQ(matched(R"(\P{L})"), negated(category("L")));
  EXPECT_EQ(matched(R"([^\D])"), category("Nd"));
}

}  // namespace
}  // namespace orrery::text
