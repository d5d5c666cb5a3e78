#pragma once

#include <sstream>
#include <string>

namespace orrery::core {

/// Its arguments concatenated, as `operator<<` writes them in the C locale.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  (out << ... << parts);
  return std::move(out).str();
}

}  // namespace orrery::core
