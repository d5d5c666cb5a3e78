#pragma once

#include "orrery/text/byte_pair_encoding.hpp"
#include "orrery/text/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {

/// `added_tokens` of a tokenizer.json. Those marked special are never read from text; the others are, before
/// all else, the leftmost first and the longest of those that begin together: at first those that are not
/// marked `normalized`, then, in what is left, those that are.
class AddedTokens {
 public:
  /// A stretch of text: of an added token, with its id, or of ordinary text.
  struct Section {
    std::string_view text;
    std::optional<std::int32_t> id;
  };

  AddedTokens() = default;
  /// Throws bad_input for a token that is read from text and has another id in `vocabulary`, or is read in a
  /// way that is not supported: with conditions (lstrip, rstrip, single_word), or `normalized` where there is
  /// a normalizer.
  AddedTokens(const JsonValue& json, const Vocabulary& vocabulary, bool has_normalizer);

  /// The largest id; −1 without tokens.
  std::int32_t largest_id() const { return largest_id_; }
  /// `text` in sections, in order, none empty.
  std::vector<Section> split(std::string_view text) const;

 private:
  struct Token {
    std::string content;
    std::int32_t id = 0;
  };

  using Tokens = std::vector<Token>;

  /// The longest token that `text` begins with; nullptr where it begins with none. A hostile file may have
  /// many: takes a binary search a byte.
  static const Token* longest_at(std::string_view text, const Tokens& tokens);
  static void split(std::string_view text, const Tokens& tokens, std::vector<Section>& sections);

  Tokens first_;  ///< sorted by content, as the next
  Tokens second_;
  std::int32_t largest_id_ = -1;
};

}  // namespace orrery::text
