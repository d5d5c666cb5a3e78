#pragma once

#include "orrery/text/tokenizer.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace orrery::text {

/// Whether `bytes` begin as tiktoken's ranks do: a token in base64, a space, a number, and the end of the
/// line.
bool looks_like_tiktoken(std::string_view bytes);

/// Llama 3's tokenizer.model: tiktoken's ranks, one token a line, in `bytes`. The pattern and the 256 special
/// tokens behind the ranks are not in the file, they are Llama 3's; BOS is the first of those. A number of
/// ranks that is not Llama 3's is a warning.
/// `file` is what errors call it. Throws bad_input, naming the line, for a damaged one.
std::unique_ptr<Tokenizer> parse_tiktoken(std::string_view bytes, const std::string& file);

}  // namespace orrery::text
