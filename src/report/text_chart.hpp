#pragma once

#include <string>
#include <vector>

namespace orrery::report {

/// A curve for a terminal: its title, then `rows` lines of bars of eighths of a character, the greatest and
/// least value beside them, at most 72 columns. Where there are more values, a column is the mean of as many
/// as it takes; a NaN leaves its column empty. Bars begin at zero where no value is below it and the least is
/// under half of the greatest, else at the least value, which is one eighth high. `ends` name the first and
/// last value.
std::string text_chart(const std::string& title, const std::vector<double>& values,
                       const std::pair<std::string, std::string>& ends, bool is_logarithmic = false,
                       int rows = 5);

}  // namespace orrery::report
