#pragma once

#include "orrery/run/context.hpp"
#include "orrery/sweep/sweep.hpp"

namespace orrery::sweep {

/// Throws unless every part of the sweep lies finished beside the output: bad_input naming those that are
/// missing, damaged or of another trace, usage_error where one was made with other options. Before MPI
/// starts.
void require_parts(const Sweep& sweep);

/// Collective: makes the output of its finished parts. Throws AgreedError on all ranks; the parts stay then.
void join_parts(const Sweep& sweep, run::Context& context);

}  // namespace orrery::sweep
