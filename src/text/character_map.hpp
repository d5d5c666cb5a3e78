#pragma once

#include <string>
#include <string_view>

namespace orrery::text {

/// Throws bad_input where the SentencePiece model `bytes` holds a map of characters (precompiled_charsmap, of
/// the normaliser that runs before the encoding) that leads out of itself: the library follows it without
/// looking. `file` is what the error calls the model.
void require_sound_character_maps(std::string_view bytes, const std::string& file);

}  // namespace orrery::text
