#pragma once

#include "orrery/cli/arguments.hpp"

#include <string>

namespace orrery::cli {

/// A command's result, on stdout.
void print(const std::string& text);

/// How much is said on stderr from now on; errors alone by a process that does not speak.
void set_talk(const TalkOptions& talk, bool speaks);

}  // namespace orrery::cli
