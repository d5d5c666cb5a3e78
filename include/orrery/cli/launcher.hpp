#pragma once

namespace orrery::cli {

// What the environment says of who started this process; asked before MPI runs, or in commands that never
// start it.

/// Whether mpirun or srun started it.
bool has_launcher();
/// Whether it is the first of those started together: the one that speaks.
bool is_first_process();

}  // namespace orrery::cli
