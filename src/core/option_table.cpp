#include "orrery/core/option_table.hpp"

#include "orrery/core/number_text.hpp"

#include <cmath>

namespace orrery::core {
namespace {

template <class Number>
void describe_whole(Option& one, const std::string& name, Number& into, std::int64_t least,
                    std::int64_t greatest) {
  // Beyond that there is only what a number can hold.
  constexpr std::int64_t far = std::int64_t{1} << 40;
  one.range = greatest < far ? concat(least, " to ", greatest) : concat(least, " or more");
  one.otherwise = std::to_string(into);
  one.check = [name, &into, least, greatest] { require_range(name, into, least, greatest); };
  one.written = [&into] { return std::to_string(into); };
}

}  // namespace

void require_range(const std::string& option, std::int64_t value, std::int64_t least, std::int64_t greatest) {
  if (value >= least && value <= greatest) return;
  throw usage_error(concat("--", option, " is out of range"), std::to_string(value),
                    concat("give a whole number from ", least, " to ", greatest));
}

double seconds_from(const std::string& option, const std::string& text) {
  double unit = 1;
  std::string_view digits = text;
  if (!digits.empty() && digits.find_first_of("smh", digits.size() - 1) != std::string_view::npos) {
    unit = digits.back() == 's' ? 1 : digits.back() == 'm' ? 60 : 3600;
    digits.remove_suffix(1);
  }
  const auto number = number_from<double>(digits);
  if (!number || !std::isfinite(*number) || *number < 0) {
    throw usage_error(concat("--", option, " is no time"), text, "give one such as 90s, 10m or 2h");
  }
  return *number * unit;
}

std::string recorded_path(const std::filesystem::path& path) {
  // There is no absolute form of nothing.
  return path.empty() ? "" : std::filesystem::absolute(path).lexically_normal().string();
}

OptionTable& OptionTable::group(const std::string& title) {
  group_ = title;
  return *this;
}

OptionTable& OptionTable::free() {
  fixes_numbers_ = false;
  return *this;
}

OptionTable& OptionTable::fixing() {
  fixes_numbers_ = true;
  return *this;
}

Option& OptionTable::add(std::string name, std::string value, OptionTarget target, std::string help) {
  return options_.emplace_back(Option{.group = group_,
                                      .name = std::move(name),
                                      .value = std::move(value),
                                      .help = std::move(help),
                                      .target = std::move(target),
                                      .range = "",
                                      .otherwise = "",
                                      .fixes_numbers = fixes_numbers_});
}

Option& OptionTable::whole(std::string name, std::int64_t& into, std::int64_t least, std::int64_t greatest,
                           std::string help) {
  Option& one = add(name, "N", &into, std::move(help));
  describe_whole(one, name, into, least, greatest);
  return one;
}

Option& OptionTable::whole(std::string name, int& into, int least, int greatest, std::string help) {
  Option& one = add(name, "N", &into, std::move(help));
  describe_whole(one, name, into, least, greatest);
  return one;
}

Option& OptionTable::real(std::string name, double& into, std::string help) {
  Option& one = add(std::move(name), "X", &into, std::move(help));
  one.otherwise = number_text(into);
  one.written = [&into] { return number_text(into); };
  return one;
}

Option& OptionTable::path(std::string name, std::filesystem::path& into, const std::string& needed_by,
                          std::string help) {
  Option& one = add(name, "PATH", &into, std::move(help));
  one.written = [&into] { return recorded_path(into); };
  if (needed_by.empty()) return one;
  one.check = [name, &into, needed_by] {
    if (!into.empty()) return;
    throw usage_error(concat("--", name, " is missing"), "no value given",
                      concat("`orrery ", needed_by, " --help` lists the options"));
  };
  return one;
}

Option& OptionTable::text(std::string name, std::string& into, std::string value, std::string help) {
  Option& one = add(std::move(name), std::move(value), &into, std::move(help));
  one.otherwise = into;
  one.written = [&into]() -> std::optional<std::string> {
    if (into.empty()) return std::nullopt;
    return into;
  };
  return one;
}

void OptionTable::validate() const {
  for (const Option& option : options_) {
    if (option.check) option.check();
  }
}

std::string OptionTable::to_ini() const {
  std::string text = concat("[", section_, "]\n");
  for (const Option& option : options_) {
    const std::optional<std::string> value = option.written ? option.written() : std::nullopt;
    if (value) text += concat(option.name, " = ", *value, "\n");
  }
  return text;
}

std::set<std::string> OptionTable::free_options() const {
  std::set<std::string> names;
  for (const Option& option : options_) {
    if (!option.fixes_numbers) names.insert(option.name);
  }
  return names;
}

}  // namespace orrery::core
