#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>

namespace orrery::core {

/// The number in hexadecimal, lower case, with leading zeros up to `digits` digits.
inline std::string hex(std::uint64_t number, std::size_t digits = 1) {
  std::array<char, 16> characters{};
  const auto end = std::to_chars(characters.data(), characters.data() + characters.size(), number, 16).ptr;
  const auto count = static_cast<std::size_t>(end - characters.data());
  return std::string(digits > count ? digits - count : 0, '0').append(characters.data(), count);
}

}  // namespace orrery::core
