#include "orrery/text/printable.hpp"

#include <gtest/gtest.h>

#include <string>

namespace orrery::text {
namespace {

TEST(Printable, QuotesOnOneLine) {
  EXPECT_EQ(printable("Größe 1"), "Größe 1");
  EXPECT_EQ(printable(std::string_view("a\nb\0c\x1B[31m\u0085\u2028", 15)), "a?b?c?[31m??");
  EXPECT_EQ(printable("a\xFF\xC3\xA4"), "a???");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, CutsBetweenCharacters) {
  EXPECT_EQ(printable("äöüäöü", 3), "äöü…");
  EXPECT_EQ(printable("äöü", 3), "äöü");
}

TEST(PrintableLines, KeepLinesAndNothingThatSpeaksToATerminal) {
  EXPECT_EQ(printable_lines("a\n\x1b[2Jb\t\r\n\u00e9\x7f"), "a\n?[2Jb??\n\u00e9?");
}

}  // namespace
}  // namespace orrery::text
