#pragma once

#include "orrery/archive/reader.hpp"
#include "orrery/sweep/sweep.hpp"

#include <filesystem>

namespace orrery::sweep {

/// Fills in the sweep's prompts from a file of one's own, tokenized as the samples of `trace` were: by the
/// tokenizer of the sweep's model, with what the trace has in front of each. A prompt ends at its text's
/// last token. Throws bad_input where the file can't be read (text::read_prompts), the tokenizer is not the
/// trace's, or a prompt has no tokens; usage_error where the name is none of a file.
void read_own_prompts(const archive::Reader& trace, Sweep& sweep);

/// Throws bad_input where the tokenizer in a model's folder is not that of the trace, by its hash.
void require_tokenizer(const std::filesystem::path& folder, const TraceFacts& trace);

}  // namespace orrery::sweep
