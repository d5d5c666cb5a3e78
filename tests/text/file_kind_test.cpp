#include "orrery/text/file_kind.hpp"

#include <gtest/gtest.h>

#include <string>

namespace orrery::text {
namespace {

using namespace std::string_literals;

std::string name_of(const std::string& bytes) {
  const auto kind = file_kind(bytes);
  EXPECT_FALSE(kind && kind->advice.empty()) << bytes;
  return kind ? kind->name : "";
}

/// `text` with `width` bytes a character, that of ASCII at `place`.
std::string widened(const std::string& text, std::size_t width, std::size_t place) {
  std::string wide;
  for (const char byte : text) {
    std::string character(width, '\0');
    character[place] = byte;
    wide += character;
  }
  return wide;
}

TEST(FileKind, IsKnownByTheFirstBytes) {
  EXPECT_EQ(name_of("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
            "a Git LFS pointer");
  EXPECT_EQ(name_of("\x1F\x8B\x08\0"s), "gzip data");
  EXPECT_EQ(name_of("BZh91AY"), "bzip2 data");
  EXPECT_EQ(name_of("\xFD"
                    "7zXZ\0\0"s),
            "xz data");
  EXPECT_EQ(name_of("\x28\xB5\x2F\xFD\x04"), "Zstandard data");
  EXPECT_EQ(name_of("PK\x03\x04\x14"), "a zip archive");
  EXPECT_EQ(name_of("PAR1\x15"), "a Parquet file");
  EXPECT_EQ(name_of("GGUF\x03"), "a GGUF file");
  EXPECT_EQ(name_of("\x89HDF\r\n\x1A\n\0"s), "an HDF5 file");
  EXPECT_EQ(name_of("\n <!DOCTYPE html>\n<html>"), "an HTML page");
  EXPECT_EQ(name_of("<HTML><head>"), "an HTML page");
}

TEST(FileKind, WideTextIsKnownWithAMarkAndWithout) {
  const std::string text = "Several words\n";
  EXPECT_EQ(name_of("\xFF\xFE" + widened(text, 2, 0)), "UTF-16 text");
  EXPECT_EQ(name_of("\xFE\xFF" + widened(text, 2, 1)), "UTF-16 text");
  EXPECT_EQ(name_of("\xFF\xFE\0\0"s + widened(text, 4, 0)), "UTF-32 text");
  EXPECT_EQ(name_of("\0\0\xFE\xFF"s + widened(text, 4, 3)), "UTF-32 text");
  EXPECT_EQ(name_of(widened(text, 2, 0)), "UTF-16 text");
  EXPECT_EQ(name_of(widened(text, 2, 1)), "UTF-16 text");
  EXPECT_EQ(name_of(widened(text, 4, 0)), "UTF-32 text");
  EXPECT_EQ(name_of(widened(text, 4, 3)), "UTF-32 text");
}

TEST(FileKind, WhatIsReadIsNoneOfThem) {
  for (const std::string& bytes : {""s, "Some text.\n"s, "{\"a\": 1}"s, "\xEF\xBB\xBF text"s,
                                   "\x28\x01\0\0\0\0\0\0{\"__metadata__\":{}}"s,
                                   "\n\nMost hypertext begins with <html>."s, "\n\x09model"s, "a\0b"s}) {
    EXPECT_EQ(name_of(bytes), "") << bytes;
  }
}

}  // namespace
}  // namespace orrery::text
