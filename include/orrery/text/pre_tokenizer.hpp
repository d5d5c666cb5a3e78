#pragma once

#include "orrery/text/json.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {

/// A text cut into pieces: piece i is text[ends[i−1], ends[i]). None is empty.
struct Pieces {
  std::string text;
  std::vector<std::size_t> ends;

  Pieces() = default;
  /// `whole` as one piece; no piece where it is empty.
  explicit Pieces(std::string whole);
  std::size_t size() const { return ends.size(); }
  std::string_view piece(std::size_t index) const;
};

/// A step that cuts pieces further, or rewrites them, before they are encoded.
class PreTokenizer {
 public:
  PreTokenizer() = default;
  PreTokenizer(const PreTokenizer&) = delete;
  PreTokenizer& operator=(const PreTokenizer&) = delete;
  virtual ~PreTokenizer() = default;
  virtual void apply(Pieces& pieces) const = 0;
};

/// The steps of `pre_tokenizer` in a tokenizer.json: ByteLevel, Digits, Split (by a pattern or a string,
/// Isolated) and Sequences of them. Throws bad_input, naming the type and those supported, for anything else.
std::vector<std::unique_ptr<PreTokenizer>> make_pre_tokenizers(const JsonValue& json);

}  // namespace orrery::text
