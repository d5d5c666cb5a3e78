#include "orrery/cli/launcher.hpp"

#include <cstdlib>
#include <string_view>

namespace orrery::cli {
namespace {

/// This process's number as the launcher gives it; nullptr without one. A batch script's own commands have a
/// SLURM_PROCID too, 0.
const char* process_number() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"}) {
    if (const char* value = std::getenv(name)) return value;
  }
  return nullptr;
}

}  // namespace

bool has_launcher() {
  return process_number() != nullptr;
}

bool is_first_process() {
  const char* number = process_number();
  return number == nullptr || std::string_view(number) == "0";
}

std::exception_ptr failure_of(const std::function<void()>& work) {
  try {
    work();
  } catch (...) {
    if (!has_launcher()) throw;
    return std::current_exception();
  }
  return nullptr;
}

}  // namespace orrery::cli
