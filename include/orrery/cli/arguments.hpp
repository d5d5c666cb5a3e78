#pragma once

#include "orrery/cli/option_set.hpp"
#include "orrery/sweep/perturb_options.hpp"
#include "orrery/trace/trace_options.hpp"

#include <string>

namespace orrery::cli {

/// What only the program's face needs: how much it says, and how.
struct TalkOptions {
  std::string progress = "auto";  ///< bar, lines or none
  std::string log_level = "info";
};

/// Adds every option of `orrery trace` (and of `plan trace`) to `set`; parsing fills `options` in.
void add_trace_options(OptionSet& set, trace::TraceOptions& options);
/// The same of `orrery perturb`.
void add_perturb_options(OptionSet& set, sweep::PerturbOptions& options);
void add_talk_options(OptionSet& set, TalkOptions& options);

}  // namespace orrery::cli
