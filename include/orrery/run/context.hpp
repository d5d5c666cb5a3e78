#pragma once

#include "orrery/core/progress.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/run/machine_options.hpp"
#include "orrery/run/resources.hpp"
#include "orrery/run/watchdog.hpp"

#include <string>

namespace orrery::run {

/// What surrounds a run on ranks. It is made once, before the run begins, and outlives it.
struct Context {
  /// Collective: begins the watch over the ranks, and finds what they compute with. `command_line` is for the
  /// record; `end` as of Watchdog; `all_ranks` and `sink` must outlive it. Throws as find_resources does.
  Context(const parallel::Communicator& all_ranks, std::string command_line,
          const MachineOptions& machine_options, core::ProgressSink& sink, Watchdog::End end);

  const parallel::Communicator& ranks;
  parallel::Communicator node;  ///< the ranks of this one's node
  std::string command;
  MachineOptions machine;
  core::ProgressSink& progress;
  Watchdog watchdog;
  Resources resources;
};

}  // namespace orrery::run
