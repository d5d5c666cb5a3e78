#pragma once

#include <string>
#include <vector>

namespace orrery::core {

/// A line "name = value" of the INI text by which a file records the options that it was made with.
struct IniLine {
  std::string section;  ///< "trace"
  std::string name;
  std::string value;
};

/// All of them, in order. What has another form is passed over.
std::vector<IniLine> ini_lines(const std::string& text);
/// The value of that name, in whichever section comes first; "" where there is none.
std::string ini_value(const std::string& text, const std::string& name);

}  // namespace orrery::core
