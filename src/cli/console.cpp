#include "console.hpp"

#include "orrery/core/error.hpp"
#include "orrery/core/log.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace orrery::cli {
namespace {

/// The number of the first error in writing to stdout; the stream itself remembers only that there was one.
int print_failure = 0;

void note_failure() {
  if (print_failure == 0) print_failure = errno;
}

}  // namespace

void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest number that is free, so this one. To read alone: what is printed is not lost in silence.
    ::open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY);
  }
}

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) note_failure();
}

void flush_printed() {
  if (std::fflush(stdout) != 0) note_failure();
}

void finish_printing(const std::string& advice) {
  flush_printed();
  // Network file systems say of some errors only when a file is closed; stdout itself stays open.
  const int copy = ::dup(STDOUT_FILENO);
  if (copy >= 0 && ::close(copy) != 0) note_failure();
  if (print_failure == 0) return;
  errno = print_failure;
  throw core::system_error("the result can't be written", "standard output", advice);
}

void set_talk(const TalkOptions& talk, bool speaks) {
  core::set_log_level(speaks ? core::log_level_from(talk.log_level) : core::LogLevel::error);
}

}  // namespace orrery::cli
