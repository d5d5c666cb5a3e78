#include "survival.hpp"

#include "orrery/core/error.hpp"

#include <cerrno>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace orrery::archive {
namespace {

std::int64_t greatest_memory = 0;  // of this process, in bytes: the handler of a signal takes no argument

std::int64_t peak_memory() {
  struct rusage used {};
  ::getrusage(RUSAGE_SELF, &used);
  return std::int64_t{used.ru_maxrss} * 1024;
}

void end_if_grown(int) {
  if (peak_memory() > greatest_memory) ::_exit(1);
}

/// In the child: memory is watched, not limited. A refused allocation would come back as an error, which the
/// work survives here; the parent, who has no limit, would then walk into the same growth.
void watch_memory(std::int64_t bytes) {
  constexpr suseconds_t interval = 10'000;  // of processor time, in microseconds
  greatest_memory = peak_memory() + bytes;
  struct sigaction watch {};
  watch.sa_handler = end_if_grown;
  watch.sa_flags = SA_RESTART;
  ::sigaction(SIGPROF, &watch, nullptr);
  const struct itimerval every {
    {0, interval}, { 0, interval }
  };
  ::setitimer(ITIMER_PROF, &every, nullptr);
}

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

bool survives(const std::function<void()>& work, const Limits& limits) {
  const pid_t child = ::fork();
  if (child < 0) {
    throw core::resource_error("no process can be started", "fork failed",
                               "raise the limit on processes (ulimit -u)");
  }
  if (child == 0) {
    prepare_to_crash(limits.seconds);
    watch_memory(limits.bytes);
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
