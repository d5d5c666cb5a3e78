#pragma once

#include "orrery/archive/reader.hpp"
#include "orrery/text/special_tokens.hpp"

#include <optional>

namespace orrery::run {

/// What stands around each sample of a trace, as its file says in attributes of /samples; nothing where it is
/// no trace, or of a version that didn't say. Throws bad_input where they are damaged.
std::optional<text::SpecialTokens> recorded_tokens(const archive::Reader& file);

}  // namespace orrery::run
