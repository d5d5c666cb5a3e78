#pragma once

#include <string>
#include <vector>

namespace orrery::cli {

/// The whole program behind `main`: runs the command that the words after the program's name ask for and
/// returns the exit code. Every error is one line on stderr from one process.
int run_program(int& argument_count, char**& arguments);

}  // namespace orrery::cli
