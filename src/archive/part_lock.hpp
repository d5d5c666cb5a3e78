#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace orrery::archive {

/// The process that writes an output: what its lock file says, a line "name value" each.
struct LockOwner {
  std::string job;  ///< the scheduler's number of the job, or empty
  std::string host;
  std::int64_t pid = 0;
  std::int64_t started =
      0;  ///< since boot, in the kernel's ticks: tells a process from a later one of its pid
};

LockOwner this_process();

/// What the lock file says, or nothing where there is none that can be read.
std::optional<LockOwner> read_lock(const std::filesystem::path& lock);

/// Whether the process that took a lock is gone: on our host, where it is dead; on another, where its job is
/// ours, and so was started again.
bool is_stale(const LockOwner& theirs, const LockOwner& ours);

/// "job 12, node3, pid 456"
std::string text_of(const LockOwner& owner);

/// Takes the lock for `ours`, a stale one from its owner. Throws usage_error naming the owner where it is
/// held.
void take_lock(const std::filesystem::path& lock, const LockOwner& ours);

}  // namespace orrery::archive
