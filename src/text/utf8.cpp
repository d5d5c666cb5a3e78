#include "orrery/text/utf8.hpp"

#include <algorithm>

namespace orrery::text {
namespace {

unsigned byte_at(std::string_view text, std::size_t offset) {
  return static_cast<unsigned char>(text[offset]);
}

bool is_continuation(std::string_view text, std::size_t offset) {
  return offset < text.size() && (byte_at(text, offset) & 0xC0U) == 0x80U;
}

/// Length of the sequence that a lead byte announces; 0 for a byte that leads none.
std::size_t sequence_length(unsigned lead) {
  if (lead < 0x80U) return 1;
  if (lead < 0xC0U) return 0;
  if (lead < 0xE0U) return 2;
  if (lead < 0xF0U) return 3;
  return lead < 0xF8U ? 4 : 0;
}

/// What is wrong with the sequence of several bytes at `offset`; nullptr where nothing is.
const char* fault_of_sequence(std::string_view bytes, std::size_t offset) {
  const unsigned lead = byte_at(bytes, offset);
  const std::size_t length = sequence_length(lead);
  if (length == 0) return lead < 0xC0U ? "a continuation byte alone" : "a byte that UTF-8 never has";
  if (lead > 0xF4U) return "a byte that UTF-8 never has";
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(bytes, offset + i)) return "a sequence that is cut short";
  }
  std::size_t end = offset;
  const char32_t code_point = next_code_point(bytes, end);
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (code_point < least[length]) return "an overlong form";
  if (code_point >= 0xD800 && code_point <= 0xDFFF) return "a surrogate";
  if (code_point > 0x10FFFF) return "a code point above U+10FFFF";
  return nullptr;
}

bool is_stripped(char32_t code_point) {
  if (code_point >= 0x1C && code_point <= 0x1F) return true;
  return std::any_of(
      white_space_ranges.begin(), white_space_ranges.end(),
      [code_point](CodePointRange range) { return code_point >= range.first && code_point <= range.last; });
}

}  // namespace

std::optional<Utf8Fault> find_utf8_fault(std::string_view bytes) {
  std::size_t offset = 0;
  while (offset < bytes.size()) {
    const unsigned lead = byte_at(bytes, offset);
    if (lead < 0x80U) {
      ++offset;
      continue;
    }
    if (const char* reason = fault_of_sequence(bytes, offset)) return Utf8Fault{offset, reason};
    offset += sequence_length(lead);
  }
  return std::nullopt;
}

std::int64_t count_code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; });
}

char32_t next_code_point(std::string_view text, std::size_t& offset) {
  const unsigned lead = byte_at(text, offset);
  const std::size_t length = sequence_length(lead);
  constexpr std::array<unsigned, 5> lead_bits{0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t code_point = lead & lead_bits[length];
  for (std::size_t i = 1; i < length; ++i)
    code_point = (code_point << 6U) | (byte_at(text, offset + i) & 0x3FU);
  offset += length;
  return code_point;
}

void append_utf8(char32_t code_point, std::string& text) {
  const auto append = [&text](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    append(code_point);
  } else if (code_point < 0x800) {
    append(0xC0 | (code_point >> 6U));
    append(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    append(0xE0 | (code_point >> 12U));
    append(0x80 | ((code_point >> 6U) & 0x3F));
    append(0x80 | (code_point & 0x3F));
  } else {
    append(0xF0 | (code_point >> 18U));
    append(0x80 | ((code_point >> 12U) & 0x3F));
    append(0x80 | ((code_point >> 6U) & 0x3F));
    append(0x80 | (code_point & 0x3F));
  }
}

std::string_view strip(std::string_view text) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t next = begin;
    if (!is_stripped(next_code_point(text, next))) break;
    begin = next;
  }
  std::size_t end = text.size();
  while (end > begin) {
    std::size_t previous = end - 1;
    while (previous > begin && is_continuation(text, previous)) --previous;
    std::size_t next = previous;
    if (!is_stripped(next_code_point(text, next))) break;
    end = previous;
  }
  return text.substr(begin, end - begin);
}

}  // namespace orrery::text
