#pragma once

#include "orrery/text/utf8.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace orrery::text {

/// Code points by Unicode 16's general categories, whichever Unicode a library here has: those of `name`, as
/// a pattern names them in \p{…}, that is by the short or long name of a category or of a group of them ("L",
/// "Lu", "Letter", "uppercase_letter", "LC", "Any"). Ascending, neighbours joined, without surrogates, which
/// no text has. Nothing for a name of anything else.
std::optional<std::vector<CodePointRange>> category_ranges(std::string_view name);

/// All other code points but surrogates; `ranges` ascend.
std::vector<CodePointRange> complement(const std::vector<CodePointRange>& ranges);

/// The same code points, ascending, neighbours joined.
std::vector<CodePointRange> joined(std::vector<CodePointRange> ranges);

}  // namespace orrery::text
