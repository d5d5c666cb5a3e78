#pragma once

#include <string>
#include <vector>

namespace orrery::core {

/// Columns that UTF-8 text takes on a screen, one a character.
std::size_t columns_of(const std::string& text);

/// `text` and blanks to `width` columns.
std::string padded(std::string text, std::size_t width);

/// Lines of entries below each other, each column as wide as its widest entry and two blanks more.
std::string table_text(const std::vector<std::vector<std::string>>& lines);

}  // namespace orrery::core
