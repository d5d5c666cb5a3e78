#pragma once

#include "orrery/text/json.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {

/// The most bytes that a text of `bytes` may become before it is encoded. A step can double it, and a hostile
/// file have many steps; what tokenizers are made for takes a few times its length.
std::size_t longest_result(std::size_t bytes);
/// Throws bad_input where a text of `before` bytes has become `after`, more than that.
void require_bounded(std::size_t before, std::size_t after);

/// `normalizer` of a tokenizer.json: Prepend, Replace of a string, and Sequences of them, which is what Llama
/// 2 has ("▁" in front, and in place of each space). Most byte-level tokenizers have none.
class Normalizer {
 public:
  /// Changes nothing.
  Normalizer() = default;
  /// Throws bad_input, naming the type and those supported, for any other normalizer.
  explicit Normalizer(const JsonValue& json);

  /// Whether it changes nothing.
  bool empty() const { return steps_.empty(); }
  /// Whether it puts anything but whole characters in place of single ones, so that what a text then begins
  /// with need not have been its beginning.
  bool shortens() const;
  std::string apply(std::string_view text) const;

 private:
  struct Step {
    std::string replaced;  ///< empty: `content` is put in front of the text
    std::string content;
  };

  void add(const JsonValue& json);

  std::vector<Step> steps_;
};

}  // namespace orrery::text
