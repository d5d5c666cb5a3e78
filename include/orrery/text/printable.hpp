#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace orrery::text {

/// `text` as an error may quote it: one line, without control characters (and, where it is not UTF-8, without
/// bytes above 0x7F), each shown as '?', and cut behind `limit` characters with an ellipsis.
std::string printable(std::string_view text, std::size_t limit = 60);

/// A text of several lines with each control character but the line's end shown as '?': what a file says
/// must not speak to the terminal.
std::string printable_lines(std::string text);

}  // namespace orrery::text
