#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace orrery::text {

/// Where bytes stop being UTF-8, and why.
struct Utf8Fault {
  std::size_t offset = 0;   ///< of the first byte of the faulty sequence
  const char* reason = "";  ///< "a surrogate", "an overlong form", …
};

/// The first fault of `bytes`, or nothing where they are UTF-8 (Unicode 14, table 3-7).
std::optional<Utf8Fault> find_utf8_fault(std::string_view bytes);

/// Code points in `text`, which must be UTF-8.
std::int64_t count_code_points(std::string_view text);

/// The code point that begins at `text[offset]`; `offset` moves behind it. `text` must be UTF-8.
char32_t next_code_point(std::string_view text, std::size_t& offset);

/// Appends one code point to `text`.
void append_utf8(char32_t code_point, std::string& text);

/// Code points `first` to `last`, both included.
struct CodePointRange {
  char32_t first;
  char32_t last;
};

/// Unicode's property White_Space, ascending.
inline constexpr std::array<CodePointRange, 10> white_space_ranges{{{0x9, 0xD},
                                                                    {0x20, 0x20},
                                                                    {0x85, 0x85},
                                                                    {0xA0, 0xA0},
                                                                    {0x1680, 0x1680},
                                                                    {0x2000, 0x200A},
                                                                    {0x2028, 0x2029},
                                                                    {0x202F, 0x202F},
                                                                    {0x205F, 0x205F},
                                                                    {0x3000, 0x3000}}};

/// `text` without white space at both ends, as Python's `str.strip` leaves it: White_Space and U+001C to
/// U+001F. `text` must be UTF-8.
std::string_view strip(std::string_view text);

}  // namespace orrery::text
