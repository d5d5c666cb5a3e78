#include "orrery/core/stop_flag.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>

namespace orrery::core {
namespace {

std::atomic<bool> requested = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch nothing else");

void take_request(int) {
  requested = true;
}

void listen_to(int signal) {
  struct sigaction action {};
  action.sa_handler = take_request;
  ::sigemptyset(&action.sa_mask);
  // Reads and writes in flight are restarted.
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, nullptr);
}

/// srun tells a step's tasks their number. So does mpirun inside a job, but it also names itself.
bool started_by_srun() {
  return std::getenv("SLURM_STEP_NUM_TASKS") != nullptr && std::getenv("OMPI_COMM_WORLD_RANK") == nullptr;
}

}  // namespace

void listen_for_stop() {
  listen_to(SIGUSR1);
  if (started_by_srun()) listen_to(SIGTERM);
}

bool stop_requested() noexcept {
  return requested;
}

}  // namespace orrery::core
