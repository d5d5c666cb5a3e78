#include "part_lock.hpp"

#include "disk.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <signal.h>
#include <sstream>
#include <sys/file.h>
#include <unistd.h>

namespace orrery::archive {
namespace {

/// What the kernel reports about a process; nothing where /proc has none of it.
struct ProcessState {
  char state = 0;            // 'Z': a zombie
  std::int64_t started = 0;  // since boot, in ticks
};

/// Fields 3 and 22 of /proc/PID/stat. The second, a name in brackets, may hold spaces.
ProcessState state_of(std::int64_t pid) {
  std::ifstream file(core::concat("/proc/", pid, "/stat"));
  std::string line;
  std::getline(file, line);
  const std::size_t bracket = line.rfind(')');
  if (bracket == std::string::npos) return {};
  std::istringstream fields(line.substr(bracket + 1));
  ProcessState process;
  fields >> process.state;
  std::string word;
  for (int field = 4; field < 22; ++field) fields >> word;
  fields >> process.started;
  return process;
}

bool is_alive(const LockOwner& owner) {
  if (owner.pid <= 0 || (::kill(static_cast<pid_t>(owner.pid), 0) != 0 && errno == ESRCH)) return false;
  const ProcessState process = state_of(owner.pid);
  // In a container zombies may linger.
  if (process.state == 'Z' || process.state == 'X') return false;
  return process.started == 0 || owner.started == 0 || process.started == owner.started;
}

[[noreturn]] void held(const std::filesystem::path& lock, const std::string& owner) {
  throw core::usage_error(
      "another run is writing this output", lock.string() + ": " + owner,
      "wait for it or stop it, or give another --out; if it is surely gone, remove " + lock.string());
}

bool create(const std::filesystem::path& lock, const LockOwner& ours) {
  const int file = ::open(lock.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  if (file < 0 && errno == EEXIST) return false;
  const std::string text = core::concat("job ", ours.job, "\nhost ", ours.host, "\npid ", ours.pid,
                                        "\nstarted ", ours.started, "\n");
  const bool written = file >= 0 && ::write(file, text.data(), text.size()) == std::ssize(text);
  const int failure = errno;
  if (file >= 0) ::close(file);
  if (written) return true;
  if (file >= 0) ::unlink(lock.c_str());
  errno = failure;
  throw core::system_error("the output can't be locked", lock.string(), "see to the disk's space and rights");
}

}  // namespace

LockOwner this_process() {
  LockOwner owner;
  for (const char* variable : {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID"}) {
    if (const char* job = std::getenv(variable); job != nullptr && owner.job.empty()) owner.job = job;
  }
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  owner.host = host.data();
  owner.pid = ::getpid();
  owner.started = state_of(owner.pid).started;
  return owner;
}

std::optional<LockOwner> read_lock(const std::filesystem::path& lock) {
  std::ifstream file(lock);
  LockOwner owner;
  for (std::string line; std::getline(file, line);) {
    const std::size_t space = line.find(' ');
    if (space == std::string::npos) continue;
    const std::string name = line.substr(0, space);
    const std::string value = line.substr(space + 1);
    if (name == "job") owner.job = value;
    if (name == "host") owner.host = value;
    if (name == "pid") owner.pid = std::atoll(value.c_str());
    if (name == "started") owner.started = std::atoll(value.c_str());
  }
  if (owner.host.empty()) return std::nullopt;
  return owner;
}

bool is_stale(const LockOwner& theirs, const LockOwner& ours) {
  if (theirs.host == ours.host) return !is_alive(theirs);
  return !ours.job.empty() && theirs.job == ours.job;
}

std::string text_of(const LockOwner& owner) {
  return core::concat(owner.job.empty() ? "" : "job " + owner.job + ", ", owner.host, ", pid ", owner.pid);
}

void take_lock(const std::filesystem::path& lock, const LockOwner& ours) {
  // Of several that find the lock stale, one at a time looks and takes it. Where the file system has no
  // flock, the moment between the two is not guarded.
  const Descriptor folder(lock.parent_path(), O_RDONLY | O_DIRECTORY);
  ::flock(folder.number(), LOCK_EX);
  const std::optional<LockOwner> before = read_lock(lock);
  if (before && !is_stale(*before, ours)) held(lock, text_of(*before));
  ::unlink(lock.c_str());
  if (!create(lock, ours)) held(lock, "taken just now");
}

}  // namespace orrery::archive
