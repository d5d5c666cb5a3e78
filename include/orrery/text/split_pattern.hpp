#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {

/// A regular expression that cuts text into pieces: every match is a piece, and so is every stretch between
/// matches (the library tokenizers' Split with behaviour Isolated).
///
/// Tokenizers' patterns are written for other engines (Oniguruma, Rust's regex); PCRE2 reads them here. What
/// the engines read alike is let through, classes (`\s`, `\d`, `\p{…}` of a general category) are spelled out
/// as those of Unicode 16 (PCRE2 has another version, and its `\s` has U+180E as well), and what they read
/// differently (`\w`, `\b`, `\h`, `\pL`, scripts, sets in sets, …) is refused, never guessed.
class SplitPattern {
 public:
  /// Throws bad_input for a pattern that is broken or not read alike; `where` is what the error calls its
  /// place.
  SplitPattern(std::string_view pattern, const std::string& where);
  ~SplitPattern();
  SplitPattern(SplitPattern&&) noexcept;
  SplitPattern& operator=(SplitPattern&&) noexcept;

  /// Appends the end of each piece of `text` to `ends`, plus `offset`; none is empty, and the last end is
  /// that of `text`. `text` must be UTF-8. Safe from several threads. Throws bad_input where matching goes
  /// beyond its limits of time and memory.
  void split(std::string_view text, std::size_t offset, std::vector<std::size_t>& ends) const;

 private:
  struct Code;
  std::unique_ptr<Code> code_;
  std::string where_;
};

/// GPT-2's pattern, which ByteLevel means by `use_regex`.
inline constexpr std::string_view gpt2_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// Llama 3's pattern, for tokenizer.model, which has none inside.
inline constexpr std::string_view llama3_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

}  // namespace orrery::text
