#include "hdf5_handle.hpp"

#include "orrery/core/concat.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace orrery::archive {
namespace {

herr_t take_first(unsigned /*number*/, const H5E_error2_t* error, void* text) {
  auto& words = *static_cast<std::string*>(text);
  if (words.empty() && error->desc != nullptr) words = error->desc;
  return 0;
}

}  // namespace

std::string library_words() {
  std::string words;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &words);
  H5Eclear2(H5E_DEFAULT);
  // The serial driver's messages contain a date with a line feed, then addresses that help nobody.
  std::ranges::replace(words, '\n', ' ');
  words = words.substr(0, words.find(", buf = "));
  return words;
}

void Check::fail() const {
  const std::string words = library_words();
  const std::string seen = words.empty() ? seen_ : seen_ + "; HDF5 says: " + words;
  // The input may be fine, and the disk at fault, or another program may be writing it.
  if (words.find("unable to lock file") != std::string::npos) {
    throw core::io_error(problem_, seen,
                         "wait until no other program has the file open; where the file system has no "
                         "locks, set HDF5_USE_FILE_LOCKING=FALSE and run again");
  }
  if (code_ != core::ExitCode::bad_input) {
    throw core::Error(code_, problem_, seen,
                      "see to the disk's space and rights, then run again with --resume");
  }
  if (words.find(core::concat("errno = ", EIO, ",")) != std::string::npos) {
    throw core::io_error(problem_, seen, "check the file system");
  }
  throw core::Error(code_, problem_, seen,
                    "the file is damaged, or not one of orrery's: make it again, or give another");
}

void start_library() {
  static const bool started = [] {
    // The variable would override what is chosen for each file, which already follows it.
    const char* locking = std::getenv("HDF5_USE_FILE_LOCKING");
    if (locking != nullptr && std::string_view(locking) == "BEST_EFFORT") ::unsetenv("HDF5_USE_FILE_LOCKING");
    H5dont_atexit();
    const Check check(core::ExitCode::internal, "HDF5 does not start", "H5open");
    check(H5open());
    check(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr));
    return true;
  }();
  static_cast<void>(started);
}

Handle serial_access() {
  start_library();
  const Check check(core::ExitCode::internal, "HDF5 does not start", "a file access list");
  return check.own(H5Pcreate(H5P_FILE_ACCESS));
}

Handle serial_access(const std::filesystem::path& path, Use use) {
  Handle access = serial_access();
  const Check check(core::ExitCode::internal, "HDF5 does not start", "a file access list");
  // The library itself goes on without locks only after ENOSYS.
  check(H5Pset_file_locking(access.get(), can_be_locked(path, use), /*ignore_when_disabled=*/true));
  return access;
}

}  // namespace orrery::archive
