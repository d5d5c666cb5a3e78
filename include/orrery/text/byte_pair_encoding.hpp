#pragma once

#include "orrery/text/byte_pair_merge.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace orrery::text {

/// Lets a map of strings be asked with a view.
struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

/// Token to id.
using Vocabulary = std::unordered_map<std::string, std::int32_t, StringHash, std::equal_to<>>;

/// `model` of a tokenizer.json of type BPE.
struct BytePairRules {
  Vocabulary vocabulary;
  std::vector<std::pair<std::string, std::string>> merges;  ///< most important first
  std::optional<std::string> unknown_token;                 ///< stands for a character that has no token
  bool fuse_unknown = false;                                ///< a run of such characters is one token
  bool byte_fallback =
      false;  ///< a character without token is its bytes' tokens <0x00> … <0xFF>, if all are there
  bool ignore_merges = false;  ///< a piece that is a token is that token, before any merge
};

/// Byte pair encoding as the library tokenizers does it: a piece starts as one symbol a character, and the
/// pair that is first in the list of merges is merged, the leftmost of equals, until none is left. O(n log
/// n).
class BytePairEncoding {
 public:
  /// Throws bad_input, naming `where`, for a merge that is not in the vocabulary.
  BytePairEncoding(BytePairRules rules, const std::string& where);

  /// Appends the ids of `piece` to `ids`; `piece` must be UTF-8. A character that has no token, where there
  /// is no unknown token either, is left out, as the library does. Throws bad_input, as the library does,
  /// where an unknown token is needed that is not in the vocabulary: a byte-level one never needs its own.
  void encode(std::string_view piece, MergeWorkspace& workspace, std::vector<std::int32_t>& ids) const;

  /// A token of the vocabulary by its text, and by its id.
  std::optional<std::int32_t> id_of(std::string_view token) const;
  std::optional<std::string> token_of(std::int32_t id) const;

 private:
  /// A pair of ids as one key.
  static std::uint64_t key(std::int32_t left, std::int32_t right) {
    return (std::uint64_t{static_cast<std::uint32_t>(left)} << 32U) | static_cast<std::uint32_t>(right);
  }

  void add_byte_tokens();
  [[noreturn]] void refuse_unknown(std::string_view character) const;
  void add_symbols(std::string_view piece, std::vector<MergeSymbol>& symbols) const;
  /// Adds the tokens of a character's bytes, or nothing and false where a byte has none.
  bool add_bytes(std::string_view bytes, std::size_t begin, std::vector<MergeSymbol>& symbols) const;

  Vocabulary vocabulary_;
  std::unordered_map<char32_t, std::int32_t> characters_;  ///< tokens of one code point
  std::unordered_map<std::uint64_t, PairMerge> merges_;
  std::array<std::optional<std::int32_t>, 256> byte_tokens_;  ///< all empty without byte fallback
  std::optional<std::string> unknown_token_;
  std::optional<std::int32_t> unknown_;
  std::string where_;
  bool fuse_unknown_ = false;
  bool ignore_merges_ = false;
};

}  // namespace orrery::text
