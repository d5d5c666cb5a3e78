#include "orrery/verify/config_text.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/ini.hpp"
#include "orrery/core/number_list.hpp"

namespace orrery::verify {

std::map<std::string, std::string> fixing_options(const std::string& ini,
                                                  const std::set<std::string>& free_options) {
  std::map<std::string, std::string> options;
  bool is_trace = false;
  for (const core::IniLine& line : core::ini_lines(ini)) {
    is_trace = is_trace || line.section == "trace";
    if (!free_options.contains(line.name))
      options[core::concat("[", line.section, "] ", line.name)] = line.value;
  }
  // A file of prompts is an input, known by its hash, wherever it lies.
  if (const auto prompts = options.find("[perturb] prompts");
      prompts != options.end() && !core::is_number_list(prompts->second))
    prompts->second = "a file";
  // A file of a version before there was the option says the same as one that gives its default.
  if (is_trace) options.try_emplace("[trace] bos", "template");
  return options;
}

}  // namespace orrery::verify
