#include "survival.hpp"

#include "orrery/core/error.hpp"

#include <cerrno>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace orrery::archive {
namespace {

/// In the child: a crash should end it at once, without a word and without a core file.
void prepare_to_crash(unsigned seconds) {
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU}) ::signal(number, SIG_DFL);
  const struct rlimit none {};
  ::setrlimit(RLIMIT_CORE, &none);
  const int nowhere = ::open("/dev/null", O_WRONLY);
  ::dup2(nowhere, STDOUT_FILENO);
  ::dup2(nowhere, STDERR_FILENO);
  const struct rlimit time { seconds, seconds };
  ::setrlimit(RLIMIT_CPU, &time);
}

}  // namespace

bool survives(const std::function<void()>& work, unsigned seconds) {
  const pid_t child = ::fork();
  if (child < 0) {
    throw core::resource_error("no process can be started", "fork failed",
                               "raise the limit on processes (ulimit -u)");
  }
  if (child == 0) {
    prepare_to_crash(seconds);
    try {
      work();
    } catch (...) {
      // An error that was thrown was survived.
    }
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    // A parent that ignores SIGCHLD can't ask: then nothing is known against the file.
    if (errno != EINTR) return true;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace orrery::archive
