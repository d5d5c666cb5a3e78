#pragma once

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

  /// Throws usage_error on a value that no run can have.
  void validate() const;
};

/// Its lines of an INI file.
std::string to_ini(const MachineOptions& options);

/// "90", "90s", "10m", "2h" in seconds.
double seconds_from(const char* option, const std::string& text);
DeviceChoice device_choice_from(const std::string& word);
OrderChoice order_choice_from(const std::string& word);
const char* name_of(DeviceChoice choice);
const char* name_of(OrderChoice choice);

}  // namespace orrery::run
