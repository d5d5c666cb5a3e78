#include "orrery/core/heartbeat.hpp"

#include <atomic>
#include <mutex>

namespace orrery::core {
namespace {

std::atomic<std::int64_t> beats = 0;
std::atomic<bool> waits = false;
std::mutex phase_mutex;

std::string& phase() {
  static std::string name = "start";
  return name;
}

}  // namespace

Heartbeat heartbeat() {
  const std::lock_guard lock(phase_mutex);
  return {beats, phase(), waits};
}

void beat() noexcept {
  beats.fetch_add(1, std::memory_order_relaxed);
}

void enter_phase(std::string_view name) {
  beat();
  const std::lock_guard lock(phase_mutex);
  phase() = name;
}

WaitMark::WaitMark() noexcept : was_waiting_(waits.exchange(true)) {
  beat();
}

WaitMark::~WaitMark() {
  waits = was_waiting_;
  beat();
}

}  // namespace orrery::core
