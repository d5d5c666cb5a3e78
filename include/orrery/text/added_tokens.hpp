#pragma once

#include "orrery/text/byte_pair_encoding.hpp"
#include "orrery/text/json.hpp"
#include "orrery/text/normalizer.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace orrery::text {

/// `added_tokens` of a tokenizer.json, read from a text as the library tokenizers does with
/// `encode_special_tokens`: before all else, the leftmost first and the longest of those that begin together;
/// at first those that are not marked `normalized`, in the text as it is, then those that are, in what is
/// left and normalized. Special ones are matched among the others, but what they match stays ordinary text.
class AddedTokens {
 public:
  /// A stretch of text: of an added token, which has an id, or of ordinary text.
  struct Section {
    std::string text;  ///< normalized; empty where there is an id
    std::optional<std::int32_t> id;
    bool begins_text = false;  ///< whether it is the whole text's beginning
  };

  AddedTokens() = default;
  /// Throws bad_input for a token that is read from text and has another id in `vocabulary`, or the id of
  /// another token; that must be a word of its own (single_word); or that is listed twice, in two ways.
  /// A warning names tokens that the library would give other ids than the file says.
  AddedTokens(const JsonValue& json, const Vocabulary& vocabulary, const Normalizer& normalizer);

  /// The largest id of those that are read from text; −1 without any.
  std::int32_t largest_id() const { return largest_id_; }
  /// Whether some are looked for in normalized text.
  bool reads_normalized() const;
  /// `text` in sections, in order; an ordinary one is empty only where normalizing leaves nothing of it.
  std::vector<Section> split(std::string_view text, const Normalizer& normalizer) const;

 private:
  struct Token {
    std::string content;
    std::int32_t id = 0;
    bool special = false;
    bool takes_space_before = false;  ///< lstrip
    bool takes_space_behind = false;  ///< rstrip
  };

  /// A stretch of some text that is being split.
  struct Stretch {
    std::string_view text;
    std::optional<std::int32_t> id;
  };

  struct Tokens {
    std::vector<Token> sorted;       ///< by content
    std::array<bool, 256> begins{};  ///< the bytes that some begin with

    void sort();
  };

  /// The longest token that `text` begins with; nullptr where it begins with none. A hostile file may have
  /// many: takes a binary search a byte.
  static const Token* longest_at(std::string_view text, const Tokens& tokens);
  static std::vector<Stretch> split(std::string_view text, const Tokens& tokens);

  Tokens first_;
  Tokens second_;
  std::int32_t largest_id_ = -1;
};

}  // namespace orrery::text
