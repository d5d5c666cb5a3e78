#include "orrery/core/columns.hpp"

#include <algorithm>

namespace orrery::core {

std::size_t columns_of(const std::string& text) {
  // Every byte of a character but its first begins with the bits 10.
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string padded(std::string text, std::size_t width) {
  const std::size_t columns = columns_of(text);
  if (columns < width) text.append(width - columns, ' ');
  return text;
}

std::string table_text(const std::vector<std::vector<std::string>>& lines) {
  std::vector<std::size_t> widths;
  for (const std::vector<std::string>& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], columns_of(line[i]) + 2);
  }
  std::string text;
  for (const std::vector<std::string>& line : lines) {
    std::string all;
    for (std::size_t i = 0; i < line.size(); ++i) all += padded(line[i], widths[i]);
    text += all.substr(0, all.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace orrery::core
