#pragma once

#include "orrery/text/tokenizer.hpp"

#include <filesystem>
#include <memory>

namespace orrery::text {

/// A tokenizer.json of the library tokenizers, with a model of type BPE (Llama 3, SmolLM2, GPT-2, and Llama 2
/// as converted): the ids are the library's, with `encode_special_tokens` on. Its truncation and padding are
/// not applied. BOS is what its post_processor puts in front: nothing is added to that. Throws bad_input,
/// naming the part of the file, for what is damaged or not supported.
std::unique_ptr<Tokenizer> read_tokenizer_json(const std::filesystem::path& path);

}  // namespace orrery::text
