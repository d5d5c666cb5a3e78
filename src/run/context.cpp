#include "orrery/run/context.hpp"

#include <utility>

namespace orrery::run {

Context::Context(const parallel::Communicator& all_ranks, std::string command_line,
                 const MachineOptions& machine_options, core::ProgressSink& sink, Watchdog::End end)
    : ranks(all_ranks),
      node(ranks.split_by_node()),
      command(std::move(command_line)),
      machine(machine_options),
      progress(sink),
      watchdog(ranks, machine.stall_minutes, std::move(end)),
      resources(find_resources(machine, ranks, node)) {}

}  // namespace orrery::run
