#pragma once

#include <string>
#include <string_view>

namespace orrery::text {

/// A tokenizer's pattern as PCRE2 is given it, so that it matches what the tokenizer's own engine would.
/// `where` is what an error calls its place. Throws bad_input for a pattern that is not read alike (see
/// SplitPattern).
std::string pattern_for_pcre2(std::string_view pattern, const std::string& where);

}  // namespace orrery::text
