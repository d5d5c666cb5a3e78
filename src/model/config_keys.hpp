#pragma once

#include "orrery/model/llama_config.hpp"
#include "orrery/text/json.hpp"

#include <string>
#include <vector>

namespace orrery::model {

/// Throws bad_input where config.json asks for quantised weights, for code of its own, or for a model of
/// another kind: what makes every other key mean something else.
void require_plain_llama(const text::JsonValue& config);

/// Looks at all keys that `read_llama_config` doesn't read. Throws bad_input for one that some configuration
/// class of transformers reads and whose value is not neutral in a Llama. Returns those that none reads,
/// which trainers leave behind, sorted.
std::vector<std::string> unread_keys(const text::JsonValue& config, const LlamaConfig& llama);

}  // namespace orrery::model
