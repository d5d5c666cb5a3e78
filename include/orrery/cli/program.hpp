#pragma once

#include "orrery/cli/option_set.hpp"
#include "orrery/parallel/communicator.hpp"

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace orrery::cli {

/// The whole program behind `main`: runs the command that the words after the program's name ask for and
/// returns the exit code. Every error is one line on stderr from one process.
int run_program(int& argument_count, char**& arguments);

// What a command that runs on ranks is made of (AddedCommand).

/// Runs `body` on all ranks. An error that all know of is spoken by rank 0 and all end in order; any other
/// ends all ranks at once. `failure` is what this process met before.
int run_on_ranks(int& count, char**& arguments, const std::function<int(const parallel::Communicator&)>& body,
                 const std::exception_ptr& failure = nullptr);

/// Parses the words of a command that runs on ranks, and checks what they give. Returns the exit code where
/// it ends with that: help was asked for, or a rank met an error, of which all then know.
std::optional<int> parse_on_ranks(int& count, char**& arguments, OptionSet& set,
                                  const std::vector<std::string>& words,
                                  const std::function<void()>& validate = {});

}  // namespace orrery::cli
