#pragma once

namespace orrery::core {

/// From now on SIGUSR1 asks this process to stop at the next good place, and so does SIGTERM where srun
/// started it: srun passes it on and waits, where mpirun ends the job two seconds later.
void listen_for_stop();

/// Whether it was asked to. Safe from any thread; ranks must agree on it before they act.
bool stop_requested() noexcept;

}  // namespace orrery::core
