#include "orrery/run/machine_options.hpp"

#include "orrery/core/number_text.hpp"
#include "orrery/run/option_words.hpp"

#include <array>
#include <cmath>

namespace orrery::run {
namespace {

using core::concat;

constexpr std::array<std::pair<std::string_view, DeviceChoice>, 3> devices = {
    {{"auto", DeviceChoice::automatic}, {"cpu", DeviceChoice::cpu}, {"cuda", DeviceChoice::cuda}}};
constexpr std::array<std::pair<std::string_view, OrderChoice>, 3> orders = {
    {{"auto", OrderChoice::automatic}, {"tiles", OrderChoice::tiles}, {"layers", OrderChoice::layers}}};

}  // namespace

void require_range(const char* option, std::int64_t value, std::int64_t least, std::int64_t greatest) {
  if (value >= least && value <= greatest) return;
  throw core::usage_error(concat("--", option, " is out of range"), std::to_string(value),
                          concat("give a whole number from ", least, " to ", greatest));
}

void require_path(const char* command, const char* option, const std::filesystem::path& path) {
  if (path.empty()) {
    throw core::usage_error(concat("--", option, " is missing"), "no value given",
                            concat("`orrery ", command, " --help` lists the options"));
  }
}

std::string ini_path(const char* name, const std::filesystem::path& path) {
  // There is no absolute form of nothing.
  return ini_line(name, path.empty() ? "" : std::filesystem::absolute(path).lexically_normal().string());
}

void MachineOptions::validate() const {
  require_range("threads", threads, 0, 4096);
  if (!(stall_minutes >= 0) || !std::isfinite(stall_minutes)) {
    throw core::usage_error("--stall-minutes is no time", core::number_text(stall_minutes),
                            "give minutes such as 30, or 0 for never");
  }
}

std::string to_ini(const MachineOptions& o) {
  return ini_line("device", name_of(o.device)) + ini_line("threads", o.threads) +
         ini_line("order", name_of(o.order)) +
         ini_line("checkpoint-every", concat(core::number_text(o.checkpoint_seconds), "s")) +
         ini_line("stall-minutes", core::number_text(o.stall_minutes));
}

double seconds_from(const char* option, const std::string& text) {
  double unit = 1;
  std::string_view digits = text;
  if (!digits.empty() && digits.find_first_of("smh", digits.size() - 1) != std::string_view::npos) {
    unit = digits.back() == 's' ? 1 : digits.back() == 'm' ? 60 : 3600;
    digits.remove_suffix(1);
  }
  const auto number = core::number_from<double>(digits);
  if (!number || !std::isfinite(*number) || *number < 0) {
    throw core::usage_error(concat("--", option, " is no time"), text, "give one such as 90s, 10m or 2h");
  }
  return *number * unit;
}

DeviceChoice device_choice_from(const std::string& word) {
  return choice_from<DeviceChoice>(word, "device", devices);
}
OrderChoice order_choice_from(const std::string& word) {
  return choice_from<OrderChoice>(word, "order", orders);
}
const char* name_of(DeviceChoice choice) {
  return word_of<DeviceChoice>(choice, devices);
}
const char* name_of(OrderChoice choice) {
  return word_of<OrderChoice>(choice, orders);
}

}  // namespace orrery::run
