#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace orrery::core {

/// What this process is doing and whether it makes progress, for a watchdog on another thread.
struct Heartbeat {
  std::int64_t beats = 0;   ///< grows with every sign of progress
  std::string phase;        ///< the one entered last
  bool is_waiting = false;  ///< for other processes
};

Heartbeat heartbeat();

/// Records progress. Cheap, and safe from any thread.
void beat() noexcept;

/// Begins a phase, which counts as a beat. Main thread only.
void enter_phase(std::string_view name);

/// While one exists, this process waits for others; its construction and destruction are beats. Main thread
/// only.
class WaitMark {
 public:
  WaitMark() noexcept;
  ~WaitMark();
  WaitMark(const WaitMark&) = delete;
  WaitMark& operator=(const WaitMark&) = delete;

 private:
  bool was_waiting_;
};

}  // namespace orrery::core
