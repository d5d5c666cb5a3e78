#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <string>

namespace orrery::core {

/// The fewest digits that give the number back.
template <std::floating_point Real>
std::string number_text(Real value) {
  std::array<char, 32> characters{};
  const auto end = std::to_chars(characters.data(), characters.data() + characters.size(), value).ptr;
  return {characters.data(), end};
}

}  // namespace orrery::core
