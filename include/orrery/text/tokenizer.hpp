#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {

/// Ids are below 2³¹ − 1, so that one more than the largest is an int32 as well.
inline constexpr std::int64_t largest_token_id = (std::int64_t{1} << 31) - 2;

/// Ids that a tokenizer puts around those of every text.
struct Frame {
  std::vector<std::int32_t> prefix;
  std::vector<std::int32_t> suffix;
};

/// Text to token ids, as the model was trained with. Safe to call from several threads at once.
class Tokenizer {
 public:
  Tokenizer() = default;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;
  virtual ~Tokenizer() = default;

  /// Ids of `text`, with what the model's own tokenizer puts around it: BOS in front, once, for Llama.
  /// Special tokens are never read from the text: its "<|begin_of_text|>" is encoded as ordinary characters.
  /// Throws bad_input where `text` is not UTF-8, or the tokenizer's pattern gives up on it.
  virtual std::vector<std::int32_t> encode(std::string_view text) const = 0;

  /// The special tokens that `encode` puts around every text.
  virtual const Frame& frame() const = 0;
  /// How many of them stand in front: 1 for BOS, 0 where the model has none.
  std::int64_t leading_tokens() const { return std::ssize(frame().prefix); }

  /// The id of a token by its text, special and other added ones first; nothing where there is none.
  virtual std::optional<std::int32_t> id_of(std::string_view token) const = 0;
  /// The text of a token as the tokenizer's file has it; nothing where no token has that id. Looks through
  /// all of them.
  virtual std::optional<std::string> token_of(std::int32_t id) const = 0;

  /// One more than the largest id that `encode` may give: the rows that the embedding must have at least. It
  /// counts the vocabulary, added tokens that are read from text, and what stands around a text, but no
  /// special token that stands nowhere.
  virtual std::int64_t vocabulary_size() const = 0;
};

struct LoadedTokenizer {
  std::unique_ptr<Tokenizer> tokenizer;
  std::string file;  ///< its name within the folder
};

/// The name of the tokenizer's file in a model's folder: tokenizer.json where there is one, otherwise
/// tokenizer.model. Throws bad_input where neither is there.
std::string tokenizer_file(const std::filesystem::path& folder);

/// The tokenizer of a model's folder; tokenizer.model is tiktoken's ranks (Llama 3) or a SentencePiece model
/// (Llama 2), told apart by content. Throws bad_input where there is none, or the file is damaged or of a
/// kind that is not supported.
LoadedTokenizer load_tokenizer(const std::filesystem::path& folder);

/// Throws bad_input unless `text` is UTF-8: every tokenizer's first check.
void require_utf8(std::string_view text);

}  // namespace orrery::text
