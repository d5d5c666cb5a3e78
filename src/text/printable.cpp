#include "orrery/text/printable.hpp"

#include "orrery/text/utf8.hpp"

#include <algorithm>

namespace orrery::text {

std::string printable(std::string_view text, std::size_t limit) {
  const bool is_utf8 = !find_utf8_fault(text);
  std::string result;
  std::size_t offset = 0;
  for (std::size_t characters = 0; offset < text.size(); ++characters) {
    if (characters == limit) return result + "…";
    const char32_t character =
        is_utf8 ? next_code_point(text, offset) : static_cast<unsigned char>(text[offset++]);
    const bool hidden = character < 0x20 || (character >= 0x7F && (!is_utf8 || character < 0xA0)) ||
                        character == 0x2028 || character == 0x2029;
    append_utf8(hidden ? U'?' : character, result);
  }
  return result;
}

std::string printable_lines(std::string text) {
  std::ranges::replace_if(
      text,
      [](char byte) { return (static_cast<unsigned char>(byte) < 0x20 && byte != '\n') || byte == 0x7f; },
      '?');
  return text;
}

}  // namespace orrery::text
