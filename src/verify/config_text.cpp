#include "orrery/verify/config_text.hpp"

#include "orrery/core/number_list.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

namespace orrery::verify {

bool is_free(std::string_view option) {
  constexpr std::array<std::string_view, 14> free_options = {
      "checkpoint-every", "corpus", "join",     "log-level", "model",         "order",   "out",
      "overwrite",        "part",   "progress", "resume",    "stall-minutes", "threads", "trace"};
  return std::ranges::find(free_options, option) != free_options.end();
}

std::map<std::string, std::string> fixing_options(const std::string& ini) {
  std::map<std::string, std::string> options;
  std::istringstream lines(ini);
  std::string section;
  std::set<std::string> sections;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[')) section = line;
    const std::size_t sign = line.find(" = ");
    if (sign == std::string::npos) continue;
    const std::string name = line.substr(0, sign);
    if (!is_free(name)) options[section + " " + name] = line.substr(sign + 3);
    sections.insert(section);
  }
  // A file of a version before there was the option says the same as one that gives its default.
  // A file of prompts is an input, known by its hash, wherever it lies.
  if (const auto prompts = options.find("[perturb] prompts");
      prompts != options.end() && !core::is_number_list(prompts->second))
    prompts->second = "a file";
  if (sections.contains("[trace]")) options.try_emplace("[trace] bos", "template");
  return options;
}

}  // namespace orrery::verify
