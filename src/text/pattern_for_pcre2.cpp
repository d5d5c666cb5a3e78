#include "orrery/text/pattern_for_pcre2.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/text/printable.hpp"
#include "orrery/text/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace orrery::text {
namespace {

constexpr std::size_t longest_shown = 200;

std::string hex_escape(char32_t code_point) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (auto rest = static_cast<std::uint32_t>(code_point); rest != 0 || text.empty(); rest /= 16) {
    text.insert(text.begin(), digits[rest % 16]);
  }
  return "\\x{" + text + "}";
}

std::string range_escape(char32_t first, char32_t last) {
  return first == last ? hex_escape(first) : hex_escape(first) + "-" + hex_escape(last);
}

/// White_Space as the inside of a set.
std::string white_space_set() {
  std::string set;
  for (const auto& range : white_space_ranges) set += range_escape(range.first, range.last);
  return set;
}

/// All else as the inside of a set: `\S` can stand among others in brackets, where no [^…] can.
std::string other_than_white_space_set() {
  std::string set;
  char32_t next = 0;
  for (const auto& range : white_space_ranges) {
    set += range_escape(next, range.first - 1);
    next = range.last + 1;
  }
  return set + range_escape(next, 0x10FFFF);
}

bool is_letter_or_digit(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/// Reads a pattern from left to right and writes what PCRE2 is to be given.
class Translator {
 public:
  Translator(std::string_view pattern, const std::string& where) : pattern_(pattern), where_(where) {}

  std::string translate() {
    while (at_ < pattern_.size()) {
      if (pattern_[at_] == '\\') {
        escape();
      } else if (in_set_) {
        set_member();
      } else {
        plain();
      }
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw core::bad_input(
        where_ + ": a pattern that regular expression engines don't read alike",
        core::concat(printable(what), " at byte ", at_, " of ", printable(pattern_, longest_shown)),
        "use the model's tokenizer.model in place of tokenizer.json, or ask for support");
  }

  bool follows(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }

  void copy(std::size_t bytes) {
    out_ += pattern_.substr(at_, bytes);
    at_ += bytes;
  }

  void escape() {
    if (at_ + 1 == pattern_.size()) refuse("a backslash and nothing behind it");
    const char kind = pattern_[at_ + 1];
    if (kind == 's' || kind == 'S') {
      static const std::string space = white_space_set();
      static const std::string other = other_than_white_space_set();
      const std::string& set = kind == 's' ? space : other;
      out_ += in_set_ ? set : "[" + set + "]";
      at_ += 2;
    } else if (kind == 'p' || kind == 'P' || follows("\\x{")) {
      const std::size_t brace =
          at_ + 2 < pattern_.size() && pattern_[at_ + 2] == '{' ? pattern_.find('}', at_) : at_ + 2;
      if (brace >= pattern_.size()) refuse(core::concat("\\", kind, " without its end"));
      copy(brace + 1 - at_);
    } else if (is_letter_or_digit(kind) && std::string_view("rntdD").find(kind) == std::string_view::npos) {
      refuse(core::concat("\\", kind));
    } else {
      // Any other character means itself; where it has several bytes, the rest is copied as plain ones.
      copy(2);
    }
  }

  void set_member() {
    if (pattern_[at_] == '[') refuse("a set in a set");
    if (follows("&&")) refuse("an intersection of sets");
    if (pattern_[at_] == ']') in_set_ = false;
    copy(1);
  }

  void plain() {
    if (pattern_[at_] == '[') {
      in_set_ = true;
      copy(follows("[^") ? 2 : 1);
      if (follows("]")) refuse("a set that begins with ]");
      return;
    }
    if (follows("(*")) refuse("(*");
    if (follows("(?")) {
      static constexpr std::array<std::string_view, 7> groups{"(?:",  "(?=",  "(?!", "(?>",
                                                              "(?<=", "(?<!", "(?i:"};
      const bool known =
          std::any_of(groups.begin(), groups.end(), [this](auto group) { return follows(group); });
      if (!known) refuse(std::string(pattern_.substr(at_, 3)));
    }
    // One engine takes the + for "possessive", the other for "once or more of that".
    if (follows("}+")) refuse("}+");
    copy(1);
  }

  std::string_view pattern_;
  const std::string& where_;
  std::size_t at_ = 0;
  bool in_set_ = false;
  std::string out_;
};

}  // namespace

std::string pattern_for_pcre2(std::string_view pattern, const std::string& where) {
  return Translator(pattern, where).translate();
}

}  // namespace orrery::text
