#include "disk.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/log.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace orrery::archive {
namespace {

/// Bytes available to us on the file system of `path`; nothing where it doesn't report them.
std::optional<std::int64_t> free_bytes(const std::filesystem::path& path) {
  struct statvfs space {};
  if (::statvfs(path.c_str(), &space) != 0 || space.f_blocks == 0) return std::nullopt;
  return static_cast<std::int64_t>(space.f_bavail) * static_cast<std::int64_t>(space.f_frsize);
}

[[noreturn]] void too_little(const std::filesystem::path& path, std::int64_t bytes, const std::string& why) {
  const std::optional<std::int64_t> available = free_bytes(path);
  throw core::io_error(
      "there is no room for the output",
      core::concat(path.string(), ": ", bytes, " bytes needed, ",
                   available ? core::concat(*available) : std::string("an unknown number of"), " available",
                   why.empty() ? "" : ", ", why),
      "make room, write to another disk, or keep less with --store none");
}

/// fallocate(2): 0, or the error's number where the file system can't do it. Throws where there is no room.
int allocate(const Descriptor& file, const std::filesystem::path& path, int mode, std::int64_t bytes) {
  int failure = 0;
  do {
    failure = ::fallocate(file.number(), mode, 0, bytes) == 0 ? 0 : errno;
  } while (failure == EINTR);
  switch (failure) {
    case 0:
    case EOPNOTSUPP:
    case ENOSYS:
      return failure;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      too_little(path, bytes, std::strerror(failure));
    default:
      errno = failure;
      throw core::system_error("no room can be set aside for the output", path.string(),
                               "see to the disk, or write to another");
  }
}

[[noreturn]] void fail_to_write(const std::filesystem::path& path) {
  throw core::system_error("a file can't be written", path.string(), "see to the disk's space and rights");
}

}  // namespace

Descriptor::Descriptor(const std::filesystem::path& path, int flags)
    : number_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
  if (number_ < 0) {
    throw core::system_error("the output can't be opened", path.string(), "see to the folder's rights");
  }
}

Descriptor::~Descriptor() {
  ::close(number_);
}

void check_free_space(const std::filesystem::path& path, std::int64_t bytes) {
  const std::optional<std::int64_t> available = free_bytes(path);
  if (available && *available < bytes) too_little(path, bytes, "");
}

void reserve_on_disk(const std::filesystem::path& path, std::int64_t bytes) {
  const Descriptor file(path, O_RDWR);
  const int failure = allocate(file, path, FALLOC_FL_KEEP_SIZE, bytes);
  if (failure == 0) return;
  struct stat status {};
  ::fstat(file.number(), &status);
  check_free_space(path, bytes - std::int64_t{512} * status.st_blocks);
  core::log_warn(core::concat("room for the output can't be set aside here (", path.string(), ", ",
                              std::strerror(failure), "): ", bytes,
                              " bytes must stay free until the run ends"));
}

void make_empty_file(const std::filesystem::path& path, std::int64_t bytes) {
  const Descriptor file(path, O_RDWR | O_CREAT | O_TRUNC);
  try {
    // The length first: only this shows a limit on it (ulimit -f).
    if (::ftruncate(file.number(), bytes) != 0) too_little(path, bytes, std::strerror(errno));
    if (allocate(file, path, 0, bytes) != 0) check_free_space(path, bytes);
  } catch (...) {
    ::unlink(path.c_str());
    throw;
  }
  if (::ftruncate(file.number(), 0) != 0) {
    throw core::system_error("the output file can't be made", path.string(), "see to the disk");
  }
}

void write_at(const Descriptor& file, const std::filesystem::path& path, std::int64_t offset,
              std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file.number(), bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_to_write(path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += written;
  }
}

void replace_file(const std::filesystem::path& path, std::string_view bytes) {
  const std::filesystem::path made = path.string() + ".new";
  try {
    const Descriptor file(made, O_WRONLY | O_CREAT | O_TRUNC);
    write_at(file, made, 0, bytes);
    if (::fsync(file.number()) != 0) fail_to_write(made);
    if (::rename(made.c_str(), path.c_str()) != 0) fail_to_write(path);
  } catch (...) {
    ::unlink(made.c_str());
    throw;
  }
  sync_to_disk(path.has_parent_path() ? path.parent_path() : std::filesystem::path("."));
}

void sync_to_disk(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY);
  // Some file systems have no fsync for folders and return EINVAL, which is harmless.
  if (::fsync(file.number()) != 0 && errno != EINVAL && errno != EROFS) {
    throw core::system_error("the output can't be brought to disk", path.string(),
                             "see to the disk, then run again");
  }
}

}  // namespace orrery::archive
