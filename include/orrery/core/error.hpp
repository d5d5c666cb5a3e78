#pragma once

#include <stdexcept>
#include <string>

namespace orrery::core {

/// What the program returns to the shell.
enum class ExitCode : int {
  done = 0,
  difference = 1,       ///< verify found damage or a difference
  usage = 64,           ///< wrong usage, or an output that exists
  bad_input = 65,       ///< model, corpus or file
  helper_missing = 69,  ///< a helper program is missing
  internal = 70,        ///< a fault of ours, with a rank and a place
  io = 74,              ///< disk full, read-only, …
  resources = 75,       ///< out of memory or devices
  stopped = 85,         ///< stopped on request, resumable
};

/// What a code says to a user, a sentence each, in the order of the codes.
struct ExitCodeMeaning {
  ExitCode code;
  const char* meaning;
};
inline constexpr ExitCodeMeaning exit_code_meanings[] = {
    {ExitCode::done, "done"},
    {ExitCode::difference, "verify found damage, or a difference"},
    {ExitCode::usage, "wrong usage, or an output that exists"},
    {ExitCode::bad_input, "a model, a corpus or a file that can't be used"},
    {ExitCode::helper_missing,
     "gnuplot is missing: data, scripts and page of the figures are written all the same"},
    {ExitCode::internal, "an internal error, told with a rank and a place"},
    {ExitCode::io, "an I/O error: the disk is full or read-only, stdout can't be written"},
    {ExitCode::resources, "not enough memory or devices, checked before computing"},
    {ExitCode::stopped, "stopped on request: --resume goes on"},
};

/// An error that a person can act on. `what()` reads "problem (seen): advice", in one printable line.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& problem, const std::string& seen, const std::string& advice);
  /// An error whose text is complete already: one that came from another rank.
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

// One maker an exit code: `throw bad_input("config.json: no hidden_size", path, "…")`.
Error usage_error(const std::string& problem, const std::string& seen, const std::string& advice);
Error bad_input(const std::string& problem, const std::string& seen, const std::string& advice);
Error internal_error(const std::string& problem, const std::string& seen, const std::string& advice);
Error io_error(const std::string& problem, const std::string& seen, const std::string& advice);
Error resource_error(const std::string& problem, const std::string& seen, const std::string& advice);

/// Work that stopped early on request: what is `done` is kept in `where`.
Error stopped(const std::string& done, const std::string& where);

/// io_error whose "seen" is PATH and the text of `errno`, as a failed system call left it.
Error system_error(const std::string& problem, const std::string& path, const std::string& advice);

}  // namespace orrery::core
