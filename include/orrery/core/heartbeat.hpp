#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace orrery::core {

/// Where this process is and whether it gets on, for a watchdog that looks from another thread.
struct Heartbeat {
  std::int64_t beats = 0;   ///< grows whenever anything was done
  std::string phase;        ///< that was entered last
  bool is_waiting = false;  ///< for other processes
};

Heartbeat heartbeat();

/// Something was done. Cheap, and safe from any thread.
void beat() noexcept;

/// The phase that begins now; it is a beat, too. For the main thread.
void enter_phase(std::string_view name);

/// This process waits for others as long as one lives; its making and its end are beats. For the main thread.
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
