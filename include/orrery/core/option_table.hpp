#pragma once

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace orrery::core {

/// The words of an option, each with what it chooses.
template <class Choice>
using Words = std::span<const std::pair<std::string_view, Choice>>;

/// "rows, none"
template <class Choice>
std::string list_of(Words<Choice> words) {
  std::string list;
  for (const auto& [name, choice] : words) list += concat(list.empty() ? "" : ", ", name);
  return list;
}

/// What `word` chooses; usage_error with the known words where it is none of them.
template <class Choice>
Choice choice_from(const std::string& word, const std::string& option, Words<Choice> words) {
  for (const auto& [name, choice] : words) {
    if (name == word) return choice;
  }
  throw usage_error(concat("unknown word for --", option), word, concat("use one of ", list_of(words)));
}

template <class Choice>
const char* word_of(Choice choice, Words<Choice> words) {
  for (const auto& [name, known] : words) {
    if (known == choice) return name.data();
  }
  return "";
}

/// "90", "90s", "10m", "2h" in seconds; usage_error on anything else.
double seconds_from(const std::string& option, const std::string& text);

/// Reads a value, or refuses it by usage_error.
using TakeText = std::function<void(const std::string&)>;
/// Of a switch.
using TakeSwitch = std::function<void()>;
/// Where a value goes. What it holds beforehand is the default.
using OptionTarget =
    std::variant<TakeText, TakeSwitch, bool*, int*, std::int64_t*, double*, std::optional<double>*,
                 std::string*, std::filesystem::path*, std::optional<std::int64_t>*>;

/// One option of a command: all that its command line and INI files, `--help` and `orrery help options`, the
/// manual pages, the checks before a run, the record in a file and a run's identity know of it.
struct Option {
  std::string group;  ///< its heading
  std::string name;   ///< "min-chars"
  std::string value;  ///< what its value is called, "N"; "" of a switch
  std::string help;
  OptionTarget target;
  std::string range;      ///< in words, "0 to 4096" or "rows, none"; "" where the value says it all
  std::string otherwise;  ///< the default as text; "" where there is none
  /// Throws usage_error where no run can have its value.
  std::function<void()> check = {};
  /// Its value in an INI file that repeats the run; nothing where it isn't in force. Empty: it is never
  /// recorded.
  std::function<std::optional<std::string>()> written = {};
  /// Whether it can change a number of the result: those of two runs that do the same agree.
  bool fixes_numbers = true;
};

/// All options of a command, in the order of its INI file.
class OptionTable {
 public:
  /// `section` of INI files.
  explicit OptionTable(std::string section) : section_(std::move(section)) {}

  /// Options added from now on have that heading.
  OptionTable& group(const std::string& title);
  /// And these can or can't change a number of the result.
  OptionTable& free();
  OptionTable& fixing();

  Option& add(std::string name, std::string value, OptionTarget target, std::string help);
  /// A whole number from `least` to `greatest`.
  Option& whole(std::string name, std::int64_t& into, std::int64_t least, std::int64_t greatest,
                std::string help);
  Option& whole(std::string name, int& into, int least, int greatest, std::string help);
  Option& real(std::string name, double& into, std::string help);
  /// Recorded as an absolute path. `is_needed`: of the command that is named in the refusal.
  Option& path(std::string name, std::filesystem::path& into, const std::string& needed_by, std::string help);
  /// Recorded where it isn't empty.
  Option& text(std::string name, std::string& into, std::string value, std::string help);
  template <class Choice>
  Option& word(std::string name, Choice& into, Words<Choice> words, std::string help) {
    Option& one = add(
        name, "WORD",
        [&into, words, name](const std::string& text) { into = choice_from(text, name, words); },
        std::move(help));
    one.range = list_of(words);
    one.otherwise = word_of(into, words);
    one.written = [&into, words] { return std::string(word_of(into, words)); };
    return one;
  }

  const std::string& section() const { return section_; }
  const std::vector<Option>& options() const { return options_; }

  /// Throws the usage_error of the first option that no run can have.
  void validate() const;
  /// An INI file with a section that repeats the run.
  std::string to_ini() const;
  /// The names of those that can't change a number.
  std::set<std::string> free_options() const;

 private:
  std::string section_;
  std::string group_;
  bool fixes_numbers_ = true;
  std::vector<Option> options_;
};

/// Throws usage_error unless least ≤ value ≤ greatest.
void require_range(const std::string& option, std::int64_t value, std::int64_t least, std::int64_t greatest);
/// A path as it is recorded: absolute, or "".
std::string recorded_path(const std::filesystem::path& path);

}  // namespace orrery::core
