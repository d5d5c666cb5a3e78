#pragma once

#include "orrery/run/context.hpp"
#include "orrery/sweep/sweep.hpp"

namespace orrery::sweep {

/// Of an output that is there already (archive::is_done_already): throws usage_error if it was made with
/// other options, bad_input if of another trace.
void require_done(const Sweep& sweep);

/// Collective: a whole sweep or one part of it, from the model to the finished file; with `--resume` on from
/// what an earlier run left. Throws AgreedError on all ranks; blocks that were committed stay for `--resume`,
/// what was begun otherwise goes.
void run_perturb(const Sweep& sweep, run::Context& context);

}  // namespace orrery::sweep
