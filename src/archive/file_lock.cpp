#include "file_lock.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <system_error>
#include <unistd.h>

namespace orrery::archive {
namespace {

constexpr const char* variable = "HDF5_USE_FILE_LOCKING";

/// Whether the user has turned HDF5's file locking off.
bool is_switched_off() {
  const char* value = std::getenv(variable);
  return value != nullptr && (std::string_view(value) == "FALSE" || std::string_view(value) == "0");
}

/// Takes and releases the lock: 0, or errno.
int try_lock(int file, Use use) {
  int failure = 0;
  do {
    failure = ::flock(file, (use == Use::read ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 ? 0 : errno;
  } while (failure == EINTR);
  if (failure == 0) ::flock(file, LOCK_UN);
  return failure;
}

/// The process that has a lock on the file, as /proc/locks has it: "1: FLOCK ADVISORY WRITE 123 fd:01:456 0
/// EOF", device in hexadecimal, then the inode. Nothing where it is on another machine or in another
/// container.
std::optional<std::int64_t> holder_of(const struct stat& file) {
  const std::string place = core::concat(":", file.st_ino);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, advisory, mode, where;
    std::int64_t pid = 0;
    if (!(words >> number >> kind >> advisory >> mode >> pid >> where) || kind != "FLOCK") continue;
    unsigned major_number = 0, minor_number = 0;
    if (std::sscanf(where.c_str(), "%x:%x", &major_number, &minor_number) != 2) continue;
    const bool same = where.ends_with(place) && ::major(file.st_dev) == major_number &&
                      ::minor(file.st_dev) == minor_number;
    if (same && pid > 0) return pid;
  }
  return std::nullopt;
}

std::string text_of_process(std::optional<std::int64_t> pid) {
  if (!pid) return "a process that can't be told from here, perhaps on another machine";
  std::ifstream file(core::concat("/proc/", *pid, "/comm"));
  std::string name;
  std::getline(file, name);
  return core::concat(name.empty() ? "a process" : name, ", pid ", *pid);
}

[[noreturn]] void held(const std::filesystem::path& path, const struct stat& file, Use use) {
  throw core::io_error(
      use == Use::read ? "another program is writing the file" : "another program has the file open",
      core::concat(path.string(), ": locked by ", text_of_process(holder_of(file))),
      "wait until it has closed the file, or stop it");
}

/// An open file; none where it could not be opened.
class File {
 public:
  File(const std::filesystem::path& path, Use use)
      : number_(::open(path.c_str(), (use == Use::read ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (number_ >= 0) ::close(number_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

}  // namespace

bool can_be_locked(const std::filesystem::path& path, Use use) {
  if (is_switched_off()) return false;
  const File file(path, use);
  struct stat status {};
  // The library itself reports what can't be opened.
  if (file.number() < 0 || ::fstat(file.number(), &status) != 0) return true;
  const int failure = try_lock(file.number(), use);
  switch (failure) {
    case 0:
      return true;
    case ENOLCK:
    case EOPNOTSUPP:
    case ENOSYS:
      return false;
    case EWOULDBLOCK:
      held(path, status, use);
    default:
      throw core::io_error(
          "the file can't be locked",
          core::concat(path.string(), ": ", std::generic_category().message(failure)),
          core::concat("see to the file system; where no other program writes the file, set ", variable,
                       "=FALSE and run again"));
  }
}

}  // namespace orrery::archive
