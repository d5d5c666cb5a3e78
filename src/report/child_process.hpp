#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace orrery::report {

/// The exit code of a program that is not there.
inline constexpr int child_missing = 127;

struct ChildOutcome {
  int code = 0;        ///< 128 and the signal's number where a signal ended it
  std::string errors;  ///< what it wrote to stderr
};

/// Runs a program of PATH, with `words[0]` its name, in `folder` and without input, its output dropped, and
/// waits for it. No shell is asked. `variables` are set in its environment. Throws system_error where no
/// process can be made.
ChildOutcome run_child(const std::vector<std::string>& words, const std::filesystem::path& folder,
                       const std::map<std::string, std::string>& variables);

}  // namespace orrery::report
