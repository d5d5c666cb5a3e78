#include "orrery/run/machine_options.hpp"

#include "orrery/core/number_text.hpp"

#include <array>
#include <cmath>

namespace orrery::run {
namespace {

using core::concat;

constexpr std::array<std::pair<std::string_view, DeviceChoice>, 3> devices = {
    {{"auto", DeviceChoice::automatic}, {"cpu", DeviceChoice::cpu}, {"cuda", DeviceChoice::cuda}}};
constexpr std::array<std::pair<std::string_view, OrderChoice>, 3> orders = {
    {{"auto", OrderChoice::automatic}, {"tiles", OrderChoice::tiles}, {"layers", OrderChoice::layers}}};

/// "10m" of 600.
std::string time_text(double seconds) {
  const double minutes = seconds / 60;
  return minutes >= 1 && minutes == std::floor(minutes) ? concat(core::number_text(minutes), "m")
                                                        : concat(core::number_text(seconds), "s");
}

}  // namespace

void add_machine_options(core::OptionTable& table, MachineOptions& o) {
  table.group("Machine").fixing();
  table.word<DeviceChoice>("device", o.device, devices,
                           "the processors that compute, of all ranks alike; auto: a GPU where there is one");
  table.free();
  table.whole("threads", o.threads, 0, 4096,
              "tiles in hand at once, on a GPU threads of the host; 0: the rank's share of the cores it may "
              "run on");
  table.word<OrderChoice>("order", o.order, orders,
                          "tiles: weights stay; layers: one layer in memory; auto: tiles where they fit");
  core::Option& every = table.add(
      "checkpoint-every", "TIME",
      [&o](const std::string& text) { o.checkpoint_seconds = core::seconds_from("checkpoint-every", text); },
      "how often what is finished is committed, to OUT.part/, so that --resume can go on from it: 90s, 10m, "
      "2h");
  every.range = "0s or more";
  every.otherwise = time_text(o.checkpoint_seconds);
  every.written = [&o] { return concat(core::number_text(o.checkpoint_seconds), "s"); };
  core::Option& stall =
      table.real("stall-minutes", o.stall_minutes,
                 "a run in which no rank makes progress for so long ends, and names the ranks that it waits "
                 "for; 0: never");
  stall.range = "0 or more";
  stall.check = [&o] {
    if (o.stall_minutes >= 0 && std::isfinite(o.stall_minutes)) return;
    throw core::usage_error("--stall-minutes is no time", core::number_text(o.stall_minutes),
                            "give minutes such as 30, or 0 for never");
  };
}

const char* name_of(DeviceChoice choice) {
  return core::word_of<DeviceChoice>(choice, devices);
}
const char* name_of(OrderChoice choice) {
  return core::word_of<OrderChoice>(choice, orders);
}

}  // namespace orrery::run
