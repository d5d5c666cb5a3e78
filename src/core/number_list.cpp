#include "orrery/core/number_list.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/number_text.hpp"

#include <algorithm>
#include <sstream>

namespace orrery::core {

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

std::vector<std::int64_t> number_list(const char* option, const std::string& text, std::int64_t count,
                                      const std::string& of_what) {
  std::vector<std::int64_t> numbers;
  const auto refuse = [&](const std::string& problem, const std::string& seen) {
    throw usage_error(concat("--", option, ": ", problem), seen,
                      concat("give numbers and ranges such as 0-3,7, or all; there are ", count, " ", of_what,
                             ", counted from 0"));
  };
  if (text == "all") {
    for (std::int64_t i = 0; i < count; ++i) numbers.push_back(i);
    return numbers;
  }
  for (const std::string& part : split_at_commas(text)) {
    const std::size_t dash = part.find('-');
    const auto first = number_from<std::int64_t>(std::string_view(part).substr(0, dash));
    const auto last = dash == std::string::npos
                          ? first
                          : number_from<std::int64_t>(std::string_view(part).substr(dash + 1));
    if (!first || !last || *first < 0 || *last < *first) refuse("not a number or a range", part);
    if (*last >= count) refuse("beyond what there is", part);
    for (std::int64_t i = *first; i <= *last; ++i) numbers.push_back(i);
  }
  if (numbers.empty()) refuse("nothing in the list", concat("'", text, "'"));
  std::ranges::sort(numbers);
  const auto twice = std::ranges::adjacent_find(numbers);
  if (twice != numbers.end()) refuse("a number twice", std::to_string(*twice));
  return numbers;
}

bool is_number_list(const std::string& text) {
  return text == "all" || text.find_first_not_of("0123456789,- ") == std::string::npos;
}

}  // namespace orrery::core
