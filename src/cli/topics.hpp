#pragma once

#include "manual.hpp"

#include <vector>

namespace orrery::cli {

/// What `orrery help` knows beside the commands: options, files, faults, exit-codes.
struct Topic {
  std::string name;
  Manual manual;
};
std::vector<Topic> topics();

/// The page of a command (command_texts), and that of the program itself.
Manual manual_of(const std::string& command);
Manual manual_of_program();

}  // namespace orrery::cli
