#include "orrery/text/file_kind.hpp"

#include "orrery/core/concat.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace orrery::text {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view bytes;
  const char* name;
  const char* advice;
};

constexpr const char* unpack = "unpack it, and give the file that was in it";
constexpr const char* lines_of_table =
    "write its column of text as JSON Lines, or as UTF-8 text with a sample a line";

// The longer of two that begin alike stands first: UTF-32's mark begins as UTF-16's.
constexpr std::array signatures = std::to_array<Signature>({
    {"version https://git-lfs.github.com/spec/"sv, "a Git LFS pointer",
     "get the file that it stands for: `git lfs install; git lfs pull` in the clone that it comes from"},
    {"\x1F\x8B"sv, "gzip data", "unpack it with `gunzip`"},
    {"BZh"sv, "bzip2 data", "unpack it with `bunzip2`"},
    {"\xFD"
     "7zXZ\0"sv,
     "xz data", "unpack it with `unxz`"},
    {"\x28\xB5\x2F\xFD"sv, "Zstandard data", "unpack it with `unzstd`"},
    {"7z\xBC\xAF\x27\x1C"sv, "a 7z archive", unpack},
    {"PK\x03\x04"sv, "a zip archive", unpack},
    {"PAR1"sv, "a Parquet file", lines_of_table},
    {"ARROW1"sv, "an Arrow file", lines_of_table},
    {"\x89HDF\r\n\x1A\n"sv, "an HDF5 file", "give the file that was meant"},
    {"GGUF"sv, "a GGUF file",
     "orrery reads the folder that it was converted from: config.json, *.safetensors"},
    {"%PDF-"sv, "a PDF", "give its text"},
    {"\x80\x02"sv, "a Python pickle", "orrery reads safetensors"},
    {"\xFF\xFE\0\0"sv, "UTF-32 text", "convert it with `iconv -f UTF-32 -t UTF-8`"},
    {"\0\0\xFE\xFF"sv, "UTF-32 text", "convert it with `iconv -f UTF-32 -t UTF-8`"},
    {"\xFF\xFE"sv, "UTF-16 text", "convert it with `iconv -f UTF-16 -t UTF-8`"},
    {"\xFE\xFF"sv, "UTF-16 text", "convert it with `iconv -f UTF-16 -t UTF-8`"},
});

/// `prefix`, in lower case, with capitals or without.
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::ranges::equal(text.substr(0, prefix.size()), prefix,
                            [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

bool is_html(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  const std::size_t begin = bytes.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return false;
  bytes.remove_prefix(begin);
  return starts_with_ignoring_case(bytes, "<!doctype html") || starts_with_ignoring_case(bytes, "<html") ||
         starts_with_ignoring_case(bytes, "<head");
}

/// Text in UTF-16 or UTF-32 without a mark: most of it is ASCII, whose other bytes are zero. `width` bytes a
/// character, of which the one at `place` is not zero.
bool is_wide_text(std::string_view bytes, std::size_t width, std::size_t place) {
  const std::size_t characters = bytes.size() / width;
  if (characters < 4) return false;
  std::size_t wide = 0;
  for (std::size_t i = 0; i < characters; ++i) {
    const std::string_view character = bytes.substr(i * width, width);
    bool ascii = character[place] >= '\t' && character[place] <= '~';
    for (std::size_t k = 0; k < width; ++k) ascii = ascii && (k == place || character[k] == '\0');
    wide += ascii ? 1 : 0;
  }
  return wide * 10 >= characters * 9;
}

std::optional<FileKind> wide_text(std::string_view bytes) {
  struct Encoding {
    const char* name;
    const char* iconv;
    std::size_t width, place;
  };
  constexpr std::array encodings = std::to_array<Encoding>({{"UTF-32", "UTF-32LE", 4, 0},
                                                            {"UTF-32", "UTF-32BE", 4, 3},
                                                            {"UTF-16", "UTF-16LE", 2, 0},
                                                            {"UTF-16", "UTF-16BE", 2, 1}});
  for (const Encoding& encoding : encodings) {
    if (!is_wide_text(bytes, encoding.width, encoding.place)) continue;
    return FileKind{core::concat(encoding.name, " text"),
                    core::concat("convert it with `iconv -f ", encoding.iconv, " -t UTF-8`")};
  }
  return std::nullopt;
}

}  // namespace

std::optional<FileKind> file_kind(std::string_view first_bytes) {
  first_bytes = first_bytes.substr(0, file_kind_bytes);
  for (const Signature& signature : signatures) {
    if (first_bytes.starts_with(signature.bytes)) return FileKind{signature.name, signature.advice};
  }
  if (is_html(first_bytes)) {
    return FileKind{
        "an HTML page",
        "a download gave a page (an error, or one to sign in on) in place of the file: get it again"};
  }
  return wide_text(first_bytes);
}

}  // namespace orrery::text
