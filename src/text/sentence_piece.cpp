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
    if (processor_.bos_id() >= 0) frame_.prefix = {processor_.bos_id()};  // as Llama 2 has it
  }

  std::vector<std::int32_t> encode(std::string_view text) const override {
    require_utf8(text);
    std::vector<int> pieces;
    const auto status = processor_.Encode(text, &pieces);
    if (!status.ok()) {
      throw core::bad_input(file_ + ": SentencePiece can't encode a row", status.ToString(),
                            "check the row, and the file");
    }
    std::vector<std::int32_t> ids = frame_.prefix;
    ids.insert(ids.end(), pieces.begin(), pieces.end());
    return ids;
  }

  const Frame& frame() const override { return frame_; }
  std::optional<std::int32_t> id_of(std::string_view token) const override {
    const int id = processor_.PieceToId(token);
    // What is no piece has the unknown one's id.
    return processor_.IdToPiece(id) == token ? std::optional(id) : std::nullopt;
  }
  std::optional<std::string> token_of(std::int32_t id) const override {
    return id < processor_.GetPieceSize() ? std::optional(processor_.IdToPiece(id)) : std::nullopt;
  }
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
  Frame frame_;
  std::string file_;
};

}  // namespace

std::unique_ptr<Tokenizer> parse_sentence_piece(std::string_view bytes, const std::string& file) {
  return std::make_unique<SentencePieceTokenizer>(bytes, file);
}

}  // namespace orrery::text
