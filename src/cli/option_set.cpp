#include "orrery/cli/option_set.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/text/text_file.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <numeric>
#include <sstream>
#include <string_view>
#include <utility>

namespace orrery::cli {
namespace {

namespace po = boost::program_options;
using core::concat;
using core::usage_error;

/// Of the commands that read INI files.
constexpr std::array<std::string_view, 2> sections = {"trace", "perturb"};

/// An INI file has a line an option.
constexpr std::size_t most_config_bytes = std::size_t{1} << 20;

/// Letters to change, add or remove to turn one word into the other.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// Boost would cut a value at '#' in silence.
void require_no_trailing_comment(const std::string& text, const std::string& file) {
  std::istringstream in(text);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const std::string content = trimmed(line);
    if (content.starts_with('#') || content.find('#') == std::string::npos) continue;
    throw usage_error(concat(file, ": a '#' behind a value"), concat("line ", number, ": ", content),
                      "INI cuts a value there: give a comment a line of its own, or a path without '#'");
  }
}

void require_fits_ini(const std::string& option, const std::string& value) {
  if (value.find_first_of("#\n") == std::string::npos && value == trimmed(value)) return;
  throw usage_error(concat("--", option, " has a value that an INI file can't hold"), concat("'", value, "'"),
                    "the file records its options as INI: no '#', no line break, no spaces at the edges");
}

/// A value of its own type, with the default that it holds.
template <class Number>
po::typed_value<Number>* held(Number* into, const std::string& otherwise) {
  auto* value = po::value(into);
  return otherwise.empty() ? value : value->default_value(*into, otherwise);
}

/// Makes the parser's value of an option, whatever it goes to.
struct MakeValue {
  const std::string& otherwise;

  const po::value_semantic* operator()(const core::TakeSwitch& take) const {
    return po::bool_switch()->notifier([take](bool on) {
      if (on) take();
    });
  }
  const po::value_semantic* operator()(bool* into) const { return po::bool_switch(into); }
  po::typed_value<std::string>* operator()(const core::TakeText& take) const {
    auto* value = po::value<std::string>()->notifier(take);
    return otherwise.empty() ? value : value->default_value(otherwise);
  }
  po::typed_value<std::string>* operator()(std::filesystem::path* into) const {
    return po::value<std::string>()->notifier([into](const std::string& text) { *into = text; });
  }
  template <class Number>
  po::typed_value<Number>* operator()(std::optional<Number>* into) const {
    return po::value<Number>()->notifier([into](const Number& number) { *into = number; });
  }
  template <class Number>
  po::typed_value<Number>* operator()(Number* into) const {
    return held(into, otherwise);
  }
};

const po::value_semantic* value_of(const core::Option& option) {
  return std::visit(
      [&](const auto& target) -> const po::value_semantic* {
        auto* value = MakeValue{option.otherwise}(target);
        if constexpr (requires { value->value_name(option.value); }) value->value_name(option.value);
        return value;
      },
      option.target);
}

}  // namespace

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t least = word.size() / 3 + 2;
  for (const std::string& candidate : known) {
    if (!word.empty() && candidate.starts_with(word)) return candidate;  // shortened
    if (const std::size_t distance = edit_distance(word, candidate); distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

OptionSet::OptionSet(std::string command, std::string section, std::string usage)
    : command_(std::move(command)), section_(std::move(section)), usage_(std::move(usage)) {
  groups_.reserve(8);  // references to groups stay good
}

po::options_description& OptionSet::group(const std::string& title) {
  const auto found = std::ranges::find(titles_, title);
  if (found != titles_.end()) return groups_[static_cast<std::size_t>(found - titles_.begin())];
  titles_.push_back(title);
  return groups_.emplace_back(title, 110);
}

void OptionSet::add(const core::OptionTable& table) {
  for (const core::Option& option : table.options()) {
    const std::string help =
        option.range.empty() ? option.help : concat(option.help, " [", option.range, "]");
    group(option.group).add_options()(option.name.c_str(), value_of(option), help.c_str());
  }
}

void OptionSet::positional(const std::string& name, int count) {
  hidden_.add_options()(name.c_str(), po::value<std::vector<std::string>>());
  positional_.add(name.c_str(), count);
}

std::vector<std::string> OptionSet::names() const {
  std::vector<std::string> all;
  for (const auto& group : groups_) {
    for (const auto& option : group.options()) all.push_back(option->long_name());
  }
  return all;
}

bool OptionSet::parse(const std::vector<std::string>& words) {
  const std::string see = concat("`orrery ", command_, " --help` lists the options");
  if (std::ranges::any_of(words, [](const std::string& w) { return w == "--help" || w == "-h"; }))
    return true;
  po::options_description all;
  for (const auto& group : groups_) all.add(group);
  all.add(hidden_);
  // Long options alone, whole names alone: a shortened or misspelt one must not pass for another.
  const int style = po::command_line_style::allow_long | po::command_line_style::long_allow_adjacent |
                    po::command_line_style::long_allow_next;
  try {
    const po::parsed_options parsed =
        po::command_line_parser(words).options(all).positional(positional_).style(style).run();
    for (const auto& option : parsed.options) {
      for (const std::string& value : option.value) require_fits_ini(option.string_key, value);
    }
    po::store(parsed, values_);
    if (values_.count("config") > 0) read_config(values_["config"].as<std::string>());
    po::notify(values_);
  } catch (const po::unknown_option& error) {
    std::string name = error.get_option_name();
    name.erase(0, name.find_first_not_of('-'));
    const std::string near = nearest(name, names());
    throw usage_error(concat("unknown option of orrery ", command_), "--" + name,
                      near.empty() ? see : concat("did you mean --", near, "? ", see));
  } catch (const po::too_many_positional_options_error&) {
    throw usage_error(concat("a word too many for orrery ", command_), words.back(), see);
  } catch (const po::error& error) {
    throw usage_error(concat("wrong usage of orrery ", command_), error.what(), see);
  }
  return false;
}

void OptionSet::read_config(const std::filesystem::path& path) {
  std::ifstream in(path);
  // A folder opens like a file, and reads like an empty one.
  if (!in || std::filesystem::is_directory(path))
    throw core::bad_input("cannot read the --config file", path.string(), "check its name and permissions");
  // A pipe serves as well as a file, but nothing is read without end.
  std::string bytes(most_config_bytes + 1, '\0');
  in.read(bytes.data(), std::ssize(bytes));
  if (in.bad())
    throw core::io_error("reading the --config file failed", path.string(), "check the file system");
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  if (bytes.size() > most_config_bytes) {
    throw core::bad_input("the --config file is too large",
                          concat(path.string(), " has more than ", most_config_bytes, " bytes"),
                          "check that it is the file you mean");
  }
  text::require_text(bytes, path);
  if (bytes.starts_with(text::byte_order_mark)) bytes.erase(0, text::byte_order_mark.size());
  std::istringstream text(bytes);
  require_no_trailing_comment(bytes, path.string());
  po::options_description keys;
  for (const auto& group : groups_) {
    for (const auto& option : group.options()) {
      if (option->long_name() != "config") keys.add(option);
    }
  }
  try {
    po::store(
        own_section(po::parse_config_file(text, keys, /*allow_unregistered=*/true), keys, path.string()),
        values_);
  } catch (const po::error& error) {
    throw usage_error(concat(path.string(), ": a line that can't be used"), error.what(),
                      concat("`orrery ", command_, " --help` lists the options"));
  }
}

po::parsed_options OptionSet::own_section(po::parsed_options parsed, const po::options_description& keys,
                                          const std::string& file) const {
  po::parsed_options mine(&keys);
  for (po::option& option : parsed.options) {
    const std::size_t dot = option.string_key.find('.');
    if (dot == std::string::npos) {
      throw usage_error(concat(file, ": a key outside any section"), option.string_key,
                        concat("put it under [", section_, "]"));
    }
    const std::string section = option.string_key.substr(0, dot);
    if (std::ranges::find(sections, section) == sections.end()) {
      throw usage_error(concat(file, ": unknown section"), concat("[", section, "]"),
                        concat("did you mean [", section_, "]?"));
    }
    if (section != section_) continue;
    const std::string key = option.string_key.substr(dot + 1);
    if (keys.find_nothrow(key, /*approx=*/false) == nullptr) {
      const std::string near = nearest(key, names());
      throw usage_error(concat(file, ": unknown key in [", section_, "]"), key,
                        near.empty() ? concat("`orrery ", command_, " --help` lists the options")
                                     : concat("did you mean ", near, "?"));
    }
    option.string_key = key;
    option.unregistered = false;
    mine.options.push_back(option);
  }
  return mine;
}

std::string OptionSet::help() const {
  std::ostringstream out;
  out << usage_ << "\n";
  for (const auto& group : groups_) out << "\n" << group;
  return out.str();
}

}  // namespace orrery::cli
