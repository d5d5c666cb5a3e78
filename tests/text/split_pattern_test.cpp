#include "orrery/text/split_pattern.hpp"

#include "tests/text/test_data.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {
namespace {

using namespace std::string_literals;
using Strings = std::vector<std::string>;

Strings split(std::string_view pattern, std::string_view text) {
  std::vector<std::size_t> ends;
  SplitPattern(pattern, "test").split(text, 0, ends);
  Strings pieces;
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    pieces.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  EXPECT_EQ(begin, text.size());
  return pieces;
}

TEST(SplitPattern, MatchesAndWhatIsBetweenArePieces) {
  EXPECT_EQ(split("b+", "abbcb"), (Strings{"a", "bb", "c", "b"}));
  EXPECT_EQ(split("z", "abc"), (Strings{"abc"}));
  EXPECT_EQ(split("z", ""), Strings());
  EXPECT_EQ(split("b", "a\0b\0"s), (Strings{"a\0"s, "b", "\0"s}));
}

TEST(SplitPattern, OffsetIsAdded) {
  std::vector<std::size_t> ends{7};
  SplitPattern("b", "test").split("abc", 7, ends);
  EXPECT_EQ(ends, (std::vector<std::size_t>{7, 8, 9, 10}));
}

// An empty match cuts, but never twice in one place, and the search goes on behind a whole character.
TEST(SplitPattern, EmptyMatchesDoNotLoop) {
  EXPECT_EQ(split("x*", "äxxb"), (Strings{"ä", "xx", "b"}));
  EXPECT_EQ(split("(?=b)", "abab"), (Strings{"a", "ba", "b"}));
}

TEST(SplitPattern, WhiteSpaceIsUnicodes) {
  EXPECT_EQ(split(R"(\s+)", "a \u0085\u2003b"), (Strings{"a", " \u0085\u2003", "b"}));
  EXPECT_EQ(split(R"(\s+)",
                  "a\u180Eb\u200Bc\x1C"
                  "d"),
            (Strings{"a\u180Eb\u200Bc\x1C"
                     "d"}));
  EXPECT_EQ(split(R"([^\s]+)", "a\u180Eb c"), (Strings{"a\u180Eb", " ", "c"}));
  EXPECT_EQ(split(R"([\S]+)", "a\u180Eb c"), (Strings{"a\u180Eb", " ", "c"}));
  EXPECT_EQ(split(R"(\S+)", "a\u180Eb\u3000c"), (Strings{"a\u180Eb", "\u3000", "c"}));
  EXPECT_EQ(split(R"([^\S\n]+)", "a \nb"), (Strings{"a", " ", "\nb"}));
}

TEST(SplitPattern, CaseFoldsByUnicodeWhereAsked) {
  EXPECT_EQ(split("(?i:'s)", "a'\u017Fb'Sc"), (Strings{"a", "'\u017F", "b", "'S", "c"}));
  EXPECT_EQ(split("'s", "a'\u017Fb'Sc'sd"), (Strings{"a'\u017Fb'Sc", "'s", "d"}));
}

TEST(SplitPattern, RefusesWhatEnginesReadDifferently) {
  for (const char* pattern :
       {R"(\w+)",    R"(\bx)",         R"(\h)",       R"(\v)",       R"(\X)",         R"((a)\1)",
        "[a[bc]]",   "[a&&b]",         "[]a]",        "(*UTF)a",     "(?R)",          "(?m:a.b)",
        "(?x: a)",   "a{1,3}+",        R"(\)",        R"(\p{L)",     R"(\pN)",        R"(\p{Han})",
        R"(\p{L&})", R"((?i:\p{Lu}))", "(?i:(?:Ss))", "(?i:\u00e4)", "(?i:[\u00df])", R"((?i:\x{df}))"}) {
    test::expect_bad_input([&] { SplitPattern(pattern, "x.json: pattern"); }, {"x.json: pattern", "at byte"});
  }
  std::string hostile = "[";
  for (int i = 0; i < 100'000; ++i) hostile += R"(\p{L})";
  test::expect_bad_input([&] { SplitPattern(hostile + "]", "x.json: pattern"); },
                         {"x.json: pattern", "classes"});
  test::expect_bad_input([] { SplitPattern("(a", "x.json: pattern"); },
                         {"x.json: pattern", "no regular expression"});
}

TEST(SplitPattern, ReadsWhatTheyReadAlike) {
  EXPECT_EQ(split(R"(\p{N}{1,3}|\P{N}+)", "a12345"), (Strings{"a", "123", "45"}));
  EXPECT_EQ(split(R"(\d+)", "a٣4½"), (Strings{"a", "٣4", "½"}));
  EXPECT_EQ(split(R"(\p{N}|\x{e4}|\.)", "a1ä.b"), (Strings{"a", "1", "ä", ".", "b"}));
  EXPECT_EQ(split(R"([\r\n\]\\]+)", "a]\\\nb"), (Strings{"a", "]\\\n", "b"}));
  EXPECT_EQ(split(R"(\p{L}+)", "日本x1"), (Strings{"日本x", "1"}));
  EXPECT_EQ(split("\\ä+", "xääy"), (Strings{"x", "ää", "y"}));
}

TEST(SplitPattern, LongPiecesStayWhole) {
  constexpr std::size_t length = 1'000'000;
  EXPECT_EQ(split(llama3_pattern, std::string(length, 'a')).size(), 1U);
  EXPECT_EQ(split(llama3_pattern, std::string(length, ' ')).size(), 1U);
  EXPECT_EQ(split(llama3_pattern, std::string(length, '!')).size(), 1U);
  EXPECT_EQ(split(gpt2_pattern, std::string(length, '7')).size(), 1U);
  // Needs memory for each repeat: more than a stack of the usual size holds, and less than the limit.
  EXPECT_EQ(split("(?:a|b)*c", std::string(length / 4, 'a') + "c").size(), 1U);
}

TEST(SplitPattern, GivingUpIsAnError) {
  test::expect_bad_input([] { split("(?:(?:a+)+)+b", std::string(50, 'a') + "cb"); },
                         {"test", "gives up", "limit"});
}

}  // namespace
}  // namespace orrery::text
