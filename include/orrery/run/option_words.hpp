#pragma once

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace orrery::run {

/// The words of an option, each with what it chooses.
template <class Choice>
using Words = std::span<const std::pair<std::string_view, Choice>>;

/// What `word` chooses; usage_error with the known words where it is none of them.
template <class Choice>
Choice choice_from(const std::string& word, const char* option, Words<Choice> words) {
  std::string known;
  for (const auto& [name, choice] : words) {
    if (name == word) return choice;
    known += core::concat(known.empty() ? "" : ", ", name);
  }
  throw core::usage_error(core::concat("unknown word for --", option), word,
                          core::concat("use one of ", known));
}

template <class Choice>
const char* word_of(Choice choice, Words<Choice> words) {
  for (const auto& [name, known] : words) {
    if (known == choice) return name.data();
  }
  return "";
}

/// Throws usage_error unless least ≤ value ≤ greatest.
void require_range(const char* option, std::int64_t value, std::int64_t least, std::int64_t greatest);
/// Throws usage_error where no path was given to an option of `command`.
void require_path(const char* command, const char* option, const std::filesystem::path& path);

/// A line "name = value" of an INI file.
template <class Value>
std::string ini_line(const char* name, const Value& value) {
  return core::concat(name, " = ", value, "\n");
}
/// The same of a path, made absolute.
std::string ini_path(const char* name, const std::filesystem::path& path);

}  // namespace orrery::run
