#include "orrery/archive/output.hpp"

#include "disk.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/log.hpp"
#include "orrery/core/narrow.hpp"
#include "part_lock.hpp"
#include "work_names.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <functional>
#include <optional>
#include <stdio.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace orrery::archive {
namespace {

namespace fs = std::filesystem;

/// Room for what `set_attributes` adds at the end: headline and timing, and 17 bytes of checksum for 16 MiB.
std::int64_t attribute_bytes(std::int64_t file_bytes) {
  return (std::int64_t{256} << 10) + (file_bytes >> 19);
}

/// The path; of a symbolic link also its target.
std::string text_of(const fs::path& path) {
  std::error_code failure;
  const fs::path target = fs::read_symlink(path, failure);
  return failure ? path.string() : core::concat(path.string(), ", a link to ", target.string());
}

[[noreturn]] void exists(const fs::path& path, const std::string& what,
                         const std::string& advice = "give --overwrite to replace it, or another --out") {
  throw core::usage_error(what, text_of(path), advice);
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// Whether a live process holds the lock. One that is just taking it will see ours.
bool is_held(const fs::path& lock) {
  const std::optional<LockOwner> owner = read_lock(lock);
  return owner && !is_stale(*owner, this_process());
}

std::string checked_prefix(const std::optional<Part>& part) {
  if (!part) return "";
  if (part->number < 0 || part->number >= part->count || part->count > Part::most) {
    throw core::usage_error("there is no such part", core::concat(part->number, "/", part->count),
                            core::concat("give 0 … n − 1 of n, n at most ", Part::most));
  }
  return prefix_of(*part);
}

void check_target(const fs::path& out) {
  if (out.empty() || out.filename().empty()) {
    throw core::usage_error("the output is a folder", out.string(), "give --out a file's name");
  }
  std::error_code ignored;
  if (!fs::is_directory(folder_of(out), ignored)) {
    throw core::io_error("the output's folder does not exist", folder_of(out).string(), "make it first");
  }
  const fs::file_status target = fs::status(out, ignored);
  if (fs::is_directory(target)) {
    throw core::usage_error("the output is a folder", out.string(), "give --out a file's name");
  }
  // Otherwise the rename would replace a device such as /dev/null.
  if (fs::exists(target) && !fs::is_regular_file(target)) {
    throw core::usage_error("the output is no regular file", out.string(), "give another --out");
  }
}

/// Creates the folder unless it exists.
void make_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0777) == 0) {
    sync_to_disk(folder_of(folder));
    return;
  }
  if (errno != EEXIST) {
    throw core::system_error("the output's folder can't be written", folder.string(),
                             "see to its rights, or give another --out");
  }
  std::error_code ignored;
  const fs::file_status status = fs::symlink_status(folder, ignored);
  // It may be gone by now: then creating the lock fails, and we come back here.
  if (!fs::exists(status) || fs::is_directory(status)) return;
  throw core::usage_error("something lies where work in progress should", folder.string(),
                          "move it, or give another --out");
}

/// What is wrong with work of `theirs` in the folder of ours, or nothing.
std::string conflict(const fs::path& folder, const std::string& ours, const std::string& name,
                     const WorkName& theirs) {
  if (ours == theirs.prefix) return "";
  if (theirs.prefix.empty()) return "an undivided run lies in the folder for work in progress";
  if (ours.empty()) return "a run in parts lies in the folder for work in progress";
  const std::optional<WorkName> us = parse_work_name(ours + work_files.back());
  if (us->part && theirs.part && us->part->count != theirs.part->count) {
    return core::concat("a run in ", theirs.part->count, " parts lies in the folder for work in progress");
  }
  if ((us->part && theirs.part) || theirs.file != work_files.back() || !is_held(folder / name)) return "";
  return theirs.part ? "a part is at work, and can't be joined" : "the parts are being joined";
}

/// Renames without replacing an existing file.
void rename_to_new(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno == EINVAL || errno == ENOSYS) {
    // NFS and some other file systems can't guarantee that: check first.
    if (::access(to.c_str(), F_OK) == 0)
      errno = EEXIST;
    else if (::rename(from.c_str(), to.c_str()) == 0)
      return;
  }
  if (errno == EEXIST)
    exists(to, core::concat("the output has come into being during the run, ours is ", from.string()));
  throw core::system_error("the output can't be renamed", to.string(), "see to the folder's rights");
}

bool is_finished_result(const fs::path& result, const fs::path& file, const fs::path& overwrite) {
  return is_there(result) && !(is_there(file) && is_there(overwrite));
}

}  // namespace

Output::Output(fs::path out, Existing existing, std::optional<Part> part)
    : Output(std::move(out), existing, checked_prefix(part)) {}

Output Output::for_join(fs::path out, Existing existing) {
  return Output(std::move(out), existing, std::string(join_prefix));
}

Output::Output(fs::path out, Existing existing, const std::string& prefix)
    : out_(std::move(out)),
      folder_(work_folder(out_)),
      prefix_(prefix),
      result_(prefix_.empty() || is_join() ? out_ : own(finished_file)) {
  check_target(out_);
  is_done_ = existing == Existing::resume && is_finished();
  // A process killed just after the rename leaves files, but not the one that was renamed, or the empty
  // folder.
  if (is_done_ && (is_there(file()) || !has_own_files())) {
    ::rmdir(folder_.c_str());
    return;
  }
  check_neighbours();
  if (existing == Existing::refuse) refuse_existing();
  lock();
  try {
    // Again: others may have begun or finished meanwhile.
    check_neighbours();
    if (existing == Existing::refuse && is_there(result_)) exists(result_, "the output exists");
    is_done_ = existing == Existing::resume && is_finished();
    if (!is_done_) begin(existing);
  } catch (...) {
    leave();
    throw;
  }
  if (is_done_) is_there(file()) ? leave() : discard();
}

fs::path Output::own(const char* name) const {
  return folder_ / (prefix_ + name);
}

bool Output::is_join() const {
  return prefix_ == join_prefix;
}

/// Names in the folder of this work's files, the lock last: it guards the rest.
std::vector<std::string> Output::own_names() const {
  std::vector<std::string> names;
  for (const std::string& name : names_in(folder_)) {
    const std::optional<WorkName> work = parse_work_name(name);
    if (work && work->prefix == prefix_ && work->file != finished_file) names.push_back(name);
  }
  const auto is_lock = [&](const std::string& name) { return name == prefix_ + work_files.back(); };
  std::stable_partition(names.begin(), names.end(), std::not_fn(is_lock));
  return names;
}

bool Output::has_own_files() const {
  return !own_names().empty();
}

fs::path Output::state(std::int64_t number) const {
  return own((state_prefix + std::to_string(number)).c_str());
}

/// The names of our files of sums.
std::vector<std::string> Output::states() const {
  std::vector<std::string> names = own_names();
  std::erase_if(names, [&](const std::string& name) { return !is_state_file(name.substr(prefix_.size())); });
  return names;
}

void Output::keep_states(const std::vector<std::string>& kept) const {
  for (const std::string& name : states()) {
    if (std::ranges::find(kept, name) == kept.end()) ::unlink((folder_ / name).c_str());
  }
}

/// Whether result() is there, and is not an old one that work in progress is to replace.
bool Output::is_finished() const {
  return is_finished_result(result_, file(), own("overwrite"));
}

std::optional<fs::path> finished_result(const fs::path& out, std::optional<Part> part) {
  const std::string prefix = checked_prefix(part);
  const fs::path folder = work_folder(out);
  const fs::path result = part ? folder / (prefix + finished_file) : out;
  if (!is_finished_result(result, folder / (prefix + "data.h5"), folder / (prefix + "overwrite")))
    return std::nullopt;
  return result;
}

bool is_done_already(Existing existing, const fs::path& out, std::optional<Part> part) {
  return existing == Existing::resume && finished_result(out, part).has_value();
}

/// Throws where there is anything that `overwrite` would replace. What an earlier join left is nothing.
void Output::refuse_existing() const {
  for (const fs::path& path : {out_, result_}) {
    if (is_there(path)) exists(path, "the output exists");
  }
  if (is_join() || (prefix_.empty() ? !is_there(folder_) : !has_own_files())) return;
  const fs::path& work = prefix_.empty() ? folder_ : file();
  if (const std::optional<LockOwner> owner = read_lock(own("lock")); owner && is_held(own("lock"))) {
    exists(work, "another run is writing this output, " + text_of(*owner));
  }
  exists(work, "work in progress on the output exists",
         is_there(checkpoint())
             ? "give --resume to go on with it, --overwrite to begin anew, or another --out"
             : "give --overwrite to replace it, or another --out");
}

/// Throws where the folder holds what is not ours, or another kind of run.
void Output::check_neighbours() const {
  for (const std::string& name : names_in(folder_)) {
    const std::optional<WorkName> theirs = parse_work_name(name);
    const fs::path path = folder_ / name;
    if (!theirs) {
      exists(path, "a file of somebody else's lies in the folder for work in progress",
             "move it, or give another --out");
    }
    const std::string problem = conflict(folder_, prefix_, name, *theirs);
    if (!problem.empty()) {
      exists(path, problem, "finish that, remove it when it is of no use, or give another --out");
    }
  }
}

/// Makes the folder and takes our lock in it. Parts that end at the same time take an empty folder away, so
/// an error of the disk counts only when it stays.
void Output::lock() {
  constexpr int attempts = 100;
  for (int attempt = 1; !is_locked_; ++attempt) {
    make_folder(folder_);
    try {
      take_lock(own("lock"), this_process());
      is_locked_ = true;
    } catch (const core::Error& error) {
      if (error.code() == core::ExitCode::io && attempt < attempts) continue;
      ::rmdir(folder_.c_str());
      throw;
    }
  }
}

/// Behind the lock: keeps what can go on, and drops the rest.
void Output::begin(Existing existing) {
  const bool resumes = existing == Existing::resume;
  goes_on_ = resumes && !is_join() && is_file(file()) && is_file(checkpoint());
  replaces_ = existing == Existing::overwrite || (resumes && is_there(own("overwrite")));
  for (const char* name : {"checkpoint.new", "metadata.new"}) ::unlink(own(name).c_str());
  if (!goes_on_) {
    for (const std::string& name : own_names()) {
      if (name != prefix_ + work_files.back()) ::unlink((folder_ / name).c_str());
    }
  }
  if (!replaces_) return;
  const Descriptor mark(own("overwrite"), O_WRONLY | O_CREAT);
  std::error_code ignored;
  if (fs::is_symlink(fs::symlink_status(result_, ignored))) {
    core::log_warn(core::concat("the output is a link, which the new file will replace: ", text_of(result_),
                                ", which stays as it is"));
  }
}

void Output::reserve(std::int64_t bytes) const {
  reserve_on_disk(file(), bytes + attribute_bytes(bytes));
}

void Output::reserve_rows() const {
  reserve_on_disk(rows(), core::narrow<std::int64_t>(fs::file_size(rows())));
}

void Output::require_room_for_states(std::int64_t bytes) const {
  for (const std::string& name : states()) bytes -= core::narrow<std::int64_t>(fs::file_size(folder_ / name));
  check_free_space(folder_, bytes);
}

void Output::publish() {
  sync_to_disk(file());
  if (!replaces_) {
    rename_to_new(file(), result_);
  } else if (::rename(file().c_str(), result_.c_str()) != 0) {
    throw core::system_error("the output can't be renamed", result_.string(), "see to the folder's rights");
  }
  sync_to_disk(folder_of(result_));
  if (is_join()) {
    for (const std::string& name : names_in(folder_)) {
      const std::optional<WorkName> theirs = parse_work_name(name);
      if (theirs && theirs->part) ::unlink((folder_ / name).c_str());
    }
  }
  discard();
}

void Output::discard() {
  if (!is_locked_) return;
  for (const std::string& name : own_names()) ::unlink((folder_ / name).c_str());
  is_locked_ = false;
  remove_folder();
}

void Output::leave() {
  if (!is_locked_) return;
  ::unlink(heartbeat().c_str());
  ::unlink(own("lock").c_str());
  is_locked_ = false;
  ::rmdir(folder_.c_str());
}

/// Removes the folder where it is empty.
void Output::remove_folder() const {
  if (::rmdir(folder_.c_str()) == 0 || errno == ENOENT) return;
  if (errno != ENOTEMPTY && errno != EEXIST) {
    throw core::system_error("work in progress can't be removed", folder_.string(),
                             "see to the folder's rights");
  }
  for (const std::string& name : names_in(folder_)) {
    if (!parse_work_name(name))
      core::log_warn("a file of somebody else's stays: " + (folder_ / name).string());
  }
}

}  // namespace orrery::archive
