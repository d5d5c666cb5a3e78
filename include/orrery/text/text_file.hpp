#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace orrery::text {

inline constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// Checks, line by line, that a file is UTF-8 text; where it is not, says what it may be and what to do.
class TextChecker {
 public:
  /// `first_bytes` of the file: file_kind_bytes of them, where there are so many. Throws bad_input where they
  /// are those of another kind of file.
  TextChecker(std::filesystem::path path, std::string_view first_bytes);

  /// Sees that line `number` (from 0), which begins at byte `offset` of the file, is UTF-8, and no more than
  /// a quarter of it NUL characters; `is_last` where no line feed ends it. Throws bad_input naming line and
  /// byte.
  void check(std::string_view line, std::int64_t number, std::int64_t offset, bool is_last);

  /// Warns where the whole file was text that nobody would mean: an HTML page.
  void finish() const;

 private:
  [[noreturn]] void refuse(std::string_view line, std::int64_t number, std::int64_t offset, std::size_t place,
                           const char* reason, bool is_last) const;

  std::filesystem::path path_;
  std::string first_bytes_;
  bool has_utf8_ = false;  // any character beyond ASCII
};

/// Throws bad_input where the bytes of a small file are no text: another kind of file by its first bytes, or
/// NUL characters, naming the line. Names in another encoding than UTF-8 may stand in it.
void require_text(std::string_view bytes, const std::filesystem::path& path);

}  // namespace orrery::text
