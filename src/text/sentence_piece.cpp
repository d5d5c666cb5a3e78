#include "orrery/text/sentence_piece.hpp"

#include "character_map.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <sentencepiece_processor.h>

#include <exception>
#include <new>

namespace orrery::text {
namespace {

class SentencePieceTokenizer final : public Tokenizer {
 public:
  SentencePieceTokenizer(std::string_view bytes, const std::string& file) : file_(file) {
    require_sound_character_maps(bytes, file);
    const std::string fault = load(bytes);
    if (!fault.empty()) {
      throw core::bad_input(file + " is neither tiktoken's ranks nor a SentencePiece model",
                            core::concat(bytes.size(), " bytes; SentencePiece says: ", fault),
                            "replace it: the file is damaged, or was not downloaded whole");
    }
  }

  std::vector<std::int32_t> encode(std::string_view text) const override {
    require_utf8(text);
    std::vector<int> pieces;
    const auto status = processor_.Encode(text, &pieces);
    if (!status.ok()) {
      throw core::bad_input(file_ + ": SentencePiece can't encode a row", status.ToString(),
                            "check the row, and the file");
    }
    std::vector<std::int32_t> ids;
    ids.reserve(pieces.size() + 1);
    if (processor_.bos_id() >= 0) ids.push_back(processor_.bos_id());
    ids.insert(ids.end(), pieces.begin(), pieces.end());
    return ids;
  }

  std::int64_t leading_tokens() const override { return processor_.bos_id() >= 0 ? 1 : 0; }
  std::int64_t vocabulary_size() const override { return processor_.GetPieceSize(); }

 private:
  /// What is wrong with the model; empty where nothing is.
  std::string load(std::string_view bytes) {
    try {
      const auto status = processor_.LoadFromSerializedProto(bytes);
      return status.ok() ? "" : status.ToString();
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {  // of the trie that it makes of its pieces
      return error.what();
    }
  }

  sentencepiece::SentencePieceProcessor processor_;
  std::string file_;
};

}  // namespace

std::unique_ptr<Tokenizer> parse_sentence_piece(std::string_view bytes, const std::string& file) {
  return std::make_unique<SentencePieceTokenizer>(bytes, file);
}

}  // namespace orrery::text
