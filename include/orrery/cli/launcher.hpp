#pragma once

#include <exception>
#include <functional>

namespace orrery::cli {

// What the environment says of who started this process; asked before MPI runs, or in commands that never
// start it.

/// Whether mpirun or srun started it.
bool has_launcher();
/// Whether it is the first of those started together: the one that speaks.
bool is_first_process();

/// What `work`, done before MPI runs, throws on one of several processes, for them to agree on once it does:
/// a file may be out of reach of one alone, and a launcher ends all processes as soon as one ends in an
/// error, the one that speaks among them. Throws itself where there are no others; null where nothing was
/// thrown.
std::exception_ptr failure_of(const std::function<void()>& work);

}  // namespace orrery::cli
