#pragma once

namespace orrery::model {

/// Keys of config.json that some configuration class of transformers reads, sorted, with white space between
/// them: those whose values change no forward pass, and all others, orrery's own among them.
extern const char* const harmless_config_keys;
extern const char* const other_config_keys;

}  // namespace orrery::model
