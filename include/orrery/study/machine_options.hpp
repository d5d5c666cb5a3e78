#pragma once

#include <string>

namespace orrery::study {

enum class DeviceChoice { automatic, cpu, cuda };
enum class OrderChoice { automatic, tiles, layers };

/// What every run on ranks is asked for: where it computes. None of it changes a number on one kind of
/// machine.
struct MachineOptions {
  DeviceChoice device = DeviceChoice::automatic;
  int threads = 0;  ///< 0: this rank's share of the cores it may run on
  OrderChoice order = OrderChoice::automatic;

  /// Throws usage_error on a value that no run can have.
  void validate() const;
};

/// Its lines of an INI file.
std::string to_ini(const MachineOptions& options);

DeviceChoice device_choice_from(const std::string& word);
OrderChoice order_choice_from(const std::string& word);
const char* name_of(DeviceChoice choice);
const char* name_of(OrderChoice choice);

}  // namespace orrery::study
