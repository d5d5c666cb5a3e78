#include "orrery/core/ini.hpp"

#include <sstream>

namespace orrery::core {

std::vector<IniLine> ini_lines(const std::string& text) {
  std::vector<IniLine> found;
  std::istringstream lines(text);
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[')) section = line.substr(1, line.find(']') - 1);
    const std::size_t sign = line.find(" = ");
    if (sign != std::string::npos) found.push_back({section, line.substr(0, sign), line.substr(sign + 3)});
  }
  return found;
}

std::string ini_value(const std::string& text, const std::string& name) {
  for (const IniLine& line : ini_lines(text)) {
    if (line.name == name) return line.value;
  }
  return "";
}

}  // namespace orrery::core
