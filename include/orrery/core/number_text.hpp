#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace orrery::core {

/// The shortest text that reads back as the same number.
template <std::floating_point Real>
std::string number_text(Real value) {
  std::array<char, 32> characters{};
  const auto end = std::to_chars(characters.data(), characters.data() + characters.size(), value).ptr;
  return {characters.data(), end};
}

/// A number that takes up the whole text; nothing otherwise.
template <class Number>
std::optional<Number> number_from(std::string_view text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stopped, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc() || stopped != end) return std::nullopt;
  return number;
}

}  // namespace orrery::core
