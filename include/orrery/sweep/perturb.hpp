#pragma once

#include "orrery/core/progress.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/run/watchdog.hpp"
#include "orrery/sweep/sweep.hpp"

#include <string>

namespace orrery::sweep {

/// Whether `--resume` finds the whole output, or the whole part, there already. In this process alone, before
/// MPI starts, as the next one.
bool is_there(const PerturbOptions& options);

/// Where it is: throws usage_error if it was made with other options, bad_input if of another trace.
void require_done(const Sweep& sweep);

/// Collective: a whole sweep or one part of it, from the model to the finished file; with `--resume` on from
/// what an earlier run left. `command` is the command line, for the record. Throws AgreedError on all ranks;
/// blocks that were committed stay for `--resume`, what was begun otherwise goes.
void run_perturb(const Sweep& sweep, const std::string& command, const parallel::Communicator& ranks,
                 core::ProgressSink& progress, run::Watchdog& watchdog);

/// Throws unless every part of the sweep lies finished beside the output: bad_input naming those that are
/// missing, damaged or of another trace, usage_error where one was made with other options. Before MPI
/// starts.
void require_parts(const Sweep& sweep);

/// Collective: makes the output of its finished parts.
void join_parts(const Sweep& sweep, const std::string& command, const parallel::Communicator& ranks,
                core::ProgressSink& progress, run::Watchdog& watchdog);

}  // namespace orrery::sweep
