#pragma once

#include "orrery/cli/commands.hpp"

#include <string>

namespace orrery::cli {

/// Makes the standard streams sure to be open, before anything else is opened: a file that got the number of
/// a closed one would receive what is printed. Writing to stdout fails where it was closed.
void open_standard_streams();

/// A command's result, on stdout. What can't be written is spoken of by `finish_printing`.
void print(const std::string& text);

/// Hands on what was printed so far, so that it stands before what is said on stderr.
void flush_printed();

/// Sees that all that was printed has been written. Throws io_error, whose advice is `advice`, where it has
/// not.
void finish_printing(const std::string& advice);

/// How much is said on stderr from now on; errors alone by a process that does not speak.
void set_talk(const TalkOptions& talk, bool speaks);

}  // namespace orrery::cli
