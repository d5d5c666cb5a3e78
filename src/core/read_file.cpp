#include "orrery/core/read_file.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace orrery::core {

ReadFile::ReadFile(const std::filesystem::path& path) : path_(path) {
  // Non-blocking, so that a named pipe in a hostile folder can't hang us; no effect on regular files.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const int open_error = errno;
  struct stat status {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) {
    const bool broken = open_error == EIO;
    throw(broken ? io_error : bad_input)(
        "cannot open a file", concat(path.string(), ": ", std::generic_category().message(open_error)),
        broken ? "check the file system" : "check its name and permissions");
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw bad_input("not a regular file", path.string(), "give the name of a file");
  }
  size_ = status.st_size;
}

ReadFile::~ReadFile() {
  ::close(descriptor_);
}

void ReadFile::read(std::int64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t got = ::pread(descriptor_, into.data(), into.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw system_error("reading a file failed", path_, "check the file system");
    if (got == 0) {
      throw bad_input(
          "a file became shorter while it was read",
          concat(path_.string(), ": ends at byte ", offset, ", ", into.size(), " bytes too early"),
          "leave input files alone while orrery runs");
    }
    offset += got;
    into = into.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace orrery::core
