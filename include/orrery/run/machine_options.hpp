#pragma once

#include "orrery/core/option_table.hpp"

#include <string>

namespace orrery::run {

enum class DeviceChoice { automatic, cpu, cuda };
enum class OrderChoice { automatic, tiles, layers };

/// What every run on ranks is asked for: where it computes, and how it endures. None of it changes a number
/// on one kind of machine.
struct MachineOptions {
  DeviceChoice device = DeviceChoice::automatic;
  int threads = 0;  ///< 0: this rank's share of the cores it may run on
  OrderChoice order = OrderChoice::automatic;
  double checkpoint_seconds = 600;  ///< between two commitments of what is finished
  double stall_minutes = 30;        ///< without any progress until the run ends; 0: never
};

/// Adds their lines of a command's table.
void add_machine_options(core::OptionTable& table, MachineOptions& options);

const char* name_of(DeviceChoice choice);
const char* name_of(OrderChoice choice);

}  // namespace orrery::run
