#pragma once

#include "orrery/text/tokenizer.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace orrery::text {

/// Llama 2's tokenizer.model: a SentencePiece model, in `bytes`, encoded by SentencePiece's own library. BOS
/// is put in front where the model has one. `file` is what errors call it. Throws bad_input for a damaged
/// one.
std::unique_ptr<Tokenizer> parse_sentence_piece(std::string_view bytes, const std::string& file);

}  // namespace orrery::text
