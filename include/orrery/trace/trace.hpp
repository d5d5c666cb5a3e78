#pragma once

#include "orrery/run/context.hpp"
#include "orrery/trace/trace_options.hpp"

namespace orrery::trace {

/// Of an output that is there already (archive::is_done_already): throws usage_error if it was made with
/// other options, bad_input if from other inputs.
void require_done(const TraceOptions& options);

/// Collective: a whole trace, from model and corpus to the finished file at `options.out`. Throws AgreedError
/// on all ranks, with `stopped` where a rank was asked to; what was begun and is not worth going on with is
/// removed then.
void run_trace(TraceOptions options, run::Context& context);

}  // namespace orrery::trace
