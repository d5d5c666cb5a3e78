// System calls that fail where a test asks for it: these stand before the C library's for the whole program,
// its libraries too.
//
//   ORRERY_IO_FAULT="CALL@RANK=ERROR:PATH[;…]"   "CALL#3@1=…": from the third time on
//     CALL  write, read, sync, rename, open, allocate: every call of that kind on a file whose name has PATH
//     in it ERROR ENOSPC, EIO, EACCES, EDQUOT; short: half of the bytes are written, then ENOSPC
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

namespace {

struct Fault {
  std::string call;
  std::string rank;
  std::string error;
  std::string path;
  std::int64_t first = 1;
  std::int64_t times = 0;
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::vector<Fault> read_faults() {
  const std::string given = variable("OMPI_COMM_WORLD_RANK");
  const std::string own(given.empty() ? std::string_view("0") : std::string_view(given));
  std::vector<Fault> faults;
  std::istringstream list(variable("ORRERY_IO_FAULT"));
  for (std::string one; std::getline(list, one, ';');) {
    const std::size_t at = one.find('@');
    const std::size_t is = one.find('=');
    const std::size_t colon = one.find(':');
    if (at == std::string::npos || is == std::string::npos || colon == std::string::npos) {
      std::fprintf(stderr, "ORRERY_IO_FAULT is not CALL@RANK=ERROR:PATH: %s\n", one.c_str());
      std::_Exit(99);
    }
    Fault fault{one.substr(0, at), one.substr(at + 1, is - at - 1), one.substr(is + 1, colon - is - 1),
                one.substr(colon + 1)};
    if (const std::size_t number = fault.call.find('#'); number != std::string::npos) {
      fault.first = std::atoll(fault.call.c_str() + number + 1);
      fault.call.resize(number);
    }
    if (fault.rank == "*" || fault.rank == own) faults.push_back(fault);
  }
  return faults;
}

/// The error that a call on this file has, 0 for none; −1: short.
int error_of(const char* call, const std::string& path) {
  static std::mutex mutex;
  // Never destroyed: a search for leaks opens files behind the end of everything.
  static auto& faults = *new std::vector<Fault>(read_faults());
  if (faults.empty()) return 0;
  const std::lock_guard lock(mutex);
  for (Fault& fault : faults) {
    if (fault.call != call || path.find(fault.path) == std::string::npos) continue;
    if (++fault.times < fault.first) continue;
    static const auto& numbers = *new std::map<std::string, int>{
        {"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EACCES", EACCES}, {"EDQUOT", EDQUOT}, {"short", -1}};
    return numbers.at(fault.error);
  }
  return 0;
}

std::string path_of(int descriptor) {
  static const bool off = variable("ORRERY_IO_FAULT").empty();
  if (off) return "";
  char name[64];
  char target[4096];
  std::snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
  const ssize_t length = ::readlink(name, target, sizeof target);
  return length < 0 ? "" : std::string(target, static_cast<std::size_t>(length));
}

template <class Call>
Call* real(const char* name) {
  return reinterpret_cast<Call*>(::dlsym(RTLD_NEXT, name));
}

/// The result of a call that writes `size` bytes by `write(count)`.
template <class Write>
ssize_t write_or_fail(int descriptor, std::size_t size, const Write& write) {
  const int error = error_of("write", path_of(descriptor));
  if (error == -1 && size > 1) return write(size / 2);
  if (error == 0) return write(size);
  errno = error > 0 ? error : ENOSPC;
  return -1;
}

template <class Then>
auto unless(const char* call, const std::string& path, const Then& then) -> decltype(then()) {
  const int error = error_of(call, path);
  if (error == 0) return then();
  errno = error > 0 ? error : EIO;
  return -1;
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* bytes, size_t size) {
  static auto* const call = real<ssize_t(int, const void*, size_t)>("write");
  return write_or_fail(descriptor, size, [&](size_t count) { return call(descriptor, bytes, count); });
}

ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  static auto* const call = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return write_or_fail(descriptor, size,
                       [&](size_t count) { return call(descriptor, bytes, count, offset); });
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t offset) {
  return pwrite(descriptor, bytes, size, offset);
}

ssize_t read(int descriptor, void* bytes, size_t size) {
  static auto* const call = real<ssize_t(int, void*, size_t)>("read");
  return unless("read", path_of(descriptor), [&] { return call(descriptor, bytes, size); });
}

ssize_t pread(int descriptor, void* bytes, size_t size, off_t offset) {
  static auto* const call = real<ssize_t(int, void*, size_t, off_t)>("pread");
  return unless("read", path_of(descriptor), [&] { return call(descriptor, bytes, size, offset); });
}

ssize_t pread64(int descriptor, void* bytes, size_t size, off64_t offset) {
  return pread(descriptor, bytes, size, offset);
}

int fsync(int descriptor) {
  static auto* const call = real<int(int)>("fsync");
  return unless("sync", path_of(descriptor), [&] { return call(descriptor); });
}

int rename(const char* from, const char* to) noexcept {
  static auto* const call = real<int(const char*, const char*)>("rename");
  return unless("rename", std::string(from) + " " + to, [&] { return call(from, to); });
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned int flags) noexcept {
  static auto* const call = real<int(int, const char*, int, const char*, unsigned int)>("renameat2");
  return unless("rename", std::string(from) + " " + to,
                [&] { return call(from_folder, from, to_folder, to, flags); });
}

int fallocate(int descriptor, int mode, off_t offset, off_t size) {
  static auto* const call = real<int(int, int, off_t, off_t)>("fallocate");
  return unless("allocate", path_of(descriptor), [&] { return call(descriptor, mode, offset, size); });
}

int fallocate64(int descriptor, int mode, off64_t offset, off64_t size) {
  return fallocate(descriptor, mode, offset, size);
}

int open(const char* path, int flags, ...) {
  static auto* const call = real<int(const char*, int, ...)>("open");
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return unless("open", path, [&] { return call(path, flags, mode); });
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open(path, flags, mode);
}

}  // extern "C"
