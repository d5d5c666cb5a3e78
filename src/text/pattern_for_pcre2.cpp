#include "orrery/text/pattern_for_pcre2.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/hex.hpp"
#include "orrery/text/printable.hpp"
#include "orrery/text/unicode_categories.hpp"
#include "orrery/text/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace orrery::text {
namespace {

constexpr std::size_t longest_shown = 200;
/// A class is long once it is written out, and a hostile pattern may have thousands; PCRE2 takes a few dozen.
constexpr std::size_t longest_translation = std::size_t{1} << 22U;
constexpr int most_classes = 1000;

std::string hex_escape(char32_t code_point) {
  return "\\x{" + core::hex(code_point) + "}";
}

std::string range_escape(char32_t first, char32_t last) {
  return first == last ? hex_escape(first) : hex_escape(first) + "-" + hex_escape(last);
}

using Ranges = std::vector<CodePointRange>;

/// As the inside of a set.
std::string set_of(const Ranges& ranges) {
  std::string set;
  for (const CodePointRange range : ranges) set += range_escape(range.first, range.last);
  return set;
}

bool is_letter_or_digit(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/// Reads a pattern from left to right and writes the one for PCRE2.
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
      add_class({white_space_ranges.begin(), white_space_ranges.end()}, kind == 'S');
      at_ += 2;
    } else if (kind == 'd' || kind == 'D') {
      add_class(*category_ranges("Nd"), kind == 'D');
      at_ += 2;
    } else if (kind == 'p' || kind == 'P') {
      property();
    } else if (follows("\\x{")) {
      const std::size_t brace = pattern_.find('}', at_);
      if (brace == std::string_view::npos) refuse("\\x without its end");
      if (ignores_case_.back()) refuse("\\x where case is ignored");
      copy(brace + 1 - at_);
    } else if (is_letter_or_digit(kind) && std::string_view("rnt").find(kind) == std::string_view::npos) {
      refuse(core::concat("\\", kind));
    } else {
      // Any other character means itself; where it has several bytes, the rest is copied as plain ones.
      copy(2);
    }
  }

  /// A class by its code points: PCRE2's own are of its own Unicode. Those of one set are joined, since a set
  /// is searched from one end to the other.
  void add_class(Ranges ranges, bool negated) {
    if (++classes_ > most_classes || out_.size() > longest_translation) refuse("so many classes");
    if (in_set_) {
      if (negated) ranges = complement(ranges);
      set_.insert(set_.end(), ranges.begin(), ranges.end());
      set_ = joined(std::move(set_));
    } else {
      out_ += (negated ? "[^" : "[") + set_of(ranges) + "]";
    }
  }

  /// \p{…} or \P{…}.
  void property() {
    const bool braces = at_ + 2 < pattern_.size() && pattern_[at_ + 2] == '{';
    const std::size_t end = braces ? pattern_.find('}', at_) : std::string_view::npos;
    if (end == std::string_view::npos) refuse("\\p without its braces");
    std::string_view name = pattern_.substr(at_ + 3, end - at_ - 3);
    const std::string whole(pattern_.substr(at_, end + 1 - at_));
    bool negated = pattern_[at_ + 1] == 'P';
    if (name.starts_with('^')) {
      negated = !negated;
      name.remove_prefix(1);
    }
    const auto ranges = category_ranges(name);
    if (!ranges) refuse(whole + ", which is no general category");
    // The engines differ in what belongs to it then: one adds other cases, one doesn't.
    if (ignores_case_.back()) refuse(whole + " where case is ignored");
    add_class(*ranges, negated);
    at_ = end + 1;
  }

  void set_member() {
    if (pattern_[at_] == '[') refuse("a set in a set");
    if (follows("&&")) refuse("an intersection of sets");
    if (ignores_case_.back()) require_ascii();
    if (pattern_[at_] == ']') {
      out_ += set_of(std::exchange(set_, {}));
      in_set_ = false;
    }
    copy(1);
  }

  void require_ascii() const {
    if (static_cast<unsigned char>(pattern_[at_]) >= 0x80U)
      refuse("a character beyond ASCII where case is ignored");
  }

  /// One engine folds some of these with a single character: "ss" with "ß", "fi" with "ﬁ".
  void check_case() const {
    static constexpr std::array<std::string_view, 5> pairs{"ss", "st", "ff", "fi", "fl"};
    const auto lower = [this](std::size_t at) {
      return at < pattern_.size() ? static_cast<char>(pattern_[at] | 0x20) : ' ';
    };
    const std::array<char, 2> here{lower(at_), lower(at_ + 1)};
    require_ascii();
    if (std::ranges::find(pairs, std::string_view(here.data(), here.size())) != pairs.end())
      refuse(std::string(pattern_.substr(at_, 2)) + " where case is ignored");
  }

  void plain() {
    if (ignores_case_.back()) check_case();
    if (pattern_[at_] == '(') ignores_case_.push_back(ignores_case_.back() || follows("(?i:"));
    if (pattern_[at_] == ')' && ignores_case_.size() > 1) ignores_case_.pop_back();
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
  int classes_ = 0;
  Ranges set_;                             ///< the classes of the set that is being read
  std::vector<bool> ignores_case_{false};  ///< of the groups that are open, the innermost last
  std::string out_;
};

}  // namespace

std::string pattern_for_pcre2(std::string_view pattern, const std::string& where) {
  return Translator(pattern, where).translate();
}

}  // namespace orrery::text
