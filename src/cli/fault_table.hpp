#pragma once

#include <string>
#include <vector>

namespace orrery::cli {

/// What can go wrong outside the program's own numbers, and what a user then sees.
struct Fault {
  std::string what;
  std::string where;
  std::string seen;   ///< what the message names
  std::string code;   ///< the exit code, or whose it is
  std::string lost;   ///< of the work done so far
  std::string tests;  ///< those that let it happen, by their names in ctest
};

/// All that are tested.
const std::vector<Fault>& fault_table();

}  // namespace orrery::cli
