#include "orrery/archive/output.hpp"

#include "disk.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/log.hpp"
#include "part_lock.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <stdio.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace orrery::archive {
namespace {

namespace fs = std::filesystem;

constexpr const char* lock_name = "lock";
/// All that may lie in OUT.part, the lock last: it guards the rest.
constexpr std::array<const char*, 2> own_names{"data.h5", lock_name};
/// Room for what `set_attributes` adds at the end: headline and timing, and 17 bytes of checksum for 16 MiB.
std::int64_t attribute_bytes(std::int64_t file_bytes) {
  return (std::int64_t{256} << 10) + (file_bytes >> 19);
}

[[noreturn]] void exists(const fs::path& path, const std::string& what) {
  throw core::usage_error(what, path.string(), "give --overwrite to replace it, or another --out");
}

void check_target(const fs::path& out, Existing existing) {
  if (out.empty() || out.filename().empty()) {
    throw core::usage_error("the output is a folder", out.string(), "give --out a file's name");
  }
  std::error_code ignored;
  const fs::path parent = out.has_parent_path() ? out.parent_path() : fs::path(".");
  if (!fs::is_directory(parent, ignored)) {
    throw core::io_error("the output's folder does not exist", parent.string(), "make it first");
  }
  const fs::file_status target = fs::status(out, ignored);
  if (fs::is_directory(target)) {
    throw core::usage_error("the output is a folder", out.string(), "give --out a file's name");
  }
  // A rename would replace a device such as /dev/null.
  if (fs::exists(target) && !fs::is_regular_file(target)) {
    throw core::usage_error("the output is no regular file", out.string(), "give another --out");
  }
  if (existing == Existing::refuse && fs::exists(fs::symlink_status(out, ignored))) {
    exists(out, "the output exists");
  }
}

/// Removes what orrery put into the folder, and the folder; false where something else lies there.
bool remove_part(const fs::path& part) {
  for (const char* name : own_names) ::unlink((part / name).c_str());
  if (::rmdir(part.c_str()) == 0 || errno == ENOENT) return true;
  if (errno == ENOTEMPTY || errno == EEXIST) return false;
  throw core::system_error("work in progress can't be removed", part.string(), "see to the folder's rights");
}

/// Empties the folder of another run and locks it.
void take_over(const fs::path& part) {
  std::error_code ignored;
  if (!fs::is_directory(fs::symlink_status(part, ignored))) {
    throw core::usage_error("something lies where work in progress should", part.string(),
                            "move it, or give another --out");
  }
  take_lock(part / lock_name, this_process());
  for (const char* name : own_names) {
    if (std::string_view(name) != lock_name) ::unlink((part / name).c_str());
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(part, ignored)) {
    if (entry.path().filename() == lock_name) continue;
    ::unlink((part / lock_name).c_str());
    throw core::usage_error("a file of somebody else's lies in the folder for work in progress",
                            entry.path().string(), "move it, or give another --out");
  }
}

/// Renames, but not over a file that is there.
void rename_to_new(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno == EINVAL || errno == ENOSYS) {
    // NFS and some others can't promise it: look first.
    if (::access(to.c_str(), F_OK) == 0)
      errno = EEXIST;
    else if (::rename(from.c_str(), to.c_str()) == 0)
      return;
  }
  if (errno == EEXIST)
    exists(to, core::concat("the output has come into being during the run, ours is ", from.string()));
  throw core::system_error("the output can't be renamed", to.string(), "see to the folder's rights");
}

}  // namespace

Output::Output(fs::path out, Existing existing)
    : out_(std::move(out)), part_(out_.string() + ".part"), existing_(existing) {
  check_target(out_, existing_);
  if (::mkdir(part_.c_str(), 0777) == 0) {
    try {
      take_lock(part_ / lock_name, this_process());
    } catch (...) {
      ::rmdir(part_.c_str());
      throw;
    }
    return;
  }
  if (errno != EEXIST) {
    throw core::system_error("the output's folder can't be written", part_.string(),
                             "see to its rights, or give another --out");
  }
  if (existing_ == Existing::refuse) {
    const std::optional<LockOwner> owner = read_lock(part_ / lock_name);
    const bool at_work = owner && !is_stale(*owner, this_process());
    exists(part_, at_work ? "another run is writing this output, " + text_of(*owner)
                          : "work in progress on the output exists");
  }
  take_over(part_);
}

void Output::reserve(std::int64_t bytes) const {
  reserve_on_disk(file(), bytes + attribute_bytes(bytes));
}

void Output::publish() {
  sync_to_disk(file());
  if (existing_ == Existing::refuse) {
    rename_to_new(file(), out_);
  } else if (::rename(file().c_str(), out_.c_str()) != 0) {
    throw core::system_error("the output can't be renamed", out_.string(), "see to the folder's rights");
  }
  sync_to_disk(out_.has_parent_path() ? out_.parent_path() : fs::path("."));
  if (!remove_part(part_)) core::log_warn("files of somebody else's stay in " + part_.string());
}

void Output::discard() {
  if (!remove_part(part_)) core::log_warn("files of somebody else's stay in " + part_.string());
}

}  // namespace orrery::archive
