#pragma once

#include "orrery/text/tokenizer.hpp"
#include "tests/fuzz/target.hpp"

namespace orrery::test {

/// Loads the tokenizer of scratch(), and encodes texts that touch what tokenizers tell apart.
inline void encode_texts() {
  const text::LoadedTokenizer loaded = text::load_tokenizer(scratch());
  loaded.tokenizer->leading_tokens();
  loaded.tokenizer->vocabulary_size();
  for (const char* text :
       {"", " ", "Hello, world! It's 2024.\n\n  <|end|>", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
        "Übung \u00e9\u0301 \u6771\u4eac \U0001F600\u180e\u3000x", "a b c ab bc abc"}) {
    expect_order([&] { loaded.tokenizer->encode(text); });
  }
}

}  // namespace orrery::test
