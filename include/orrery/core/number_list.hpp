#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::core {

/// The pieces of a text between its commas.
std::vector<std::string> split_at_commas(const std::string& text);

/// The numbers that a text such as "0-3,7" lists, ascending; all below `count` for "all". Throws usage_error,
/// naming the option, where it lists nothing, one twice, or one that is not below `count` (`of_what` there
/// are).
std::vector<std::int64_t> number_list(const char* option, const std::string& text, std::int64_t count,
                                      const std::string& of_what);
/// Whether a value of --prompts lists numbers, well or not, rather than names a file: it is empty, "all" or
/// made of nothing but digits, commas, dashes and blanks.
bool is_number_list(const std::string& text);

}  // namespace orrery::core
