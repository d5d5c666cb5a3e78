#pragma once

#include "orrery/model/llama_config.hpp"
#include "orrery/text/json.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::model {

/// The rotary embedding of config.json, of either generation, as transformers 5 understands it: `rope_theta`
/// + `rope_scaling`, or `rope_parameters`. `positions` is max_position_embeddings. Adds to `unread` the keys
/// within that its type doesn't read. Throws bad_input where a scaling is not supported or two places
/// disagree.
Rope read_rope(const text::JsonValue& config, std::int64_t positions, std::vector<std::string>& unread);

}  // namespace orrery::model
