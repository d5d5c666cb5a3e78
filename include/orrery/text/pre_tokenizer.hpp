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
  bool begins_text = false;  ///< whether the first one is the beginning of the text that is encoded

  Pieces() = default;
  /// `whole` as one piece; no piece where it is empty.
  explicit Pieces(std::string whole, bool begins_text = false);
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

/// The steps of `pre_tokenizer` in a tokenizer.json: ByteLevel, Digits, Metaspace, Split (by a pattern or a
/// string, Isolated) and Sequences of them. `begins_are_known`: whether `Pieces::begins_text` can be relied
/// on. Throws bad_input, naming the type and those supported, for anything else.
std::vector<std::unique_ptr<PreTokenizer>> make_pre_tokenizers(const JsonValue& json, bool begins_are_known);

}  // namespace orrery::text
