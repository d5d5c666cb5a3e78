#pragma once

#include "orrery/core/progress.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/study/trace_options.hpp"

#include <string>

namespace orrery::study {

/// Collective: a whole trace, from model and corpus to the finished file at `options.out`. `command` is the
/// command line, for the record. Throws AgreedError on all ranks; what was begun is removed then, but for a
/// disk that refuses a write: the caller must end by parallel::Environment::abort where `AgreedError::code`
/// is io.
void run_trace(TraceOptions options, const std::string& command, const parallel::Communicator& ranks,
               core::ProgressSink& progress);

}  // namespace orrery::study
