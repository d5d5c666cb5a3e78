#include "hdf5_handle.hpp"

#include "orrery/core/concat.hpp"

#include <algorithm>
#include <cerrno>

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
  // The serial driver's texts hold a date with a line's end, and then addresses that help nobody.
  std::ranges::replace(words, '\n', ' ');
  words = words.substr(0, words.find(", buf = "));
  return words;
}

void Check::fail() const {
  const std::string words = library_words();
  const std::string seen = words.empty() ? seen_ : seen_ + "; HDF5 says: " + words;
  if (code_ != core::ExitCode::bad_input) {
    throw core::Error(code_, problem_, seen,
                      "see to the disk's space and rights, then run again with --resume");
  }
  // An input may be as it should, and the disk at fault.
  if (words.find(core::concat("errno = ", EIO, ",")) != std::string::npos) {
    throw core::io_error(problem_, seen, "check the file system");
  }
  throw core::Error(code_, problem_, seen,
                    "the file is damaged, or not one of orrery's: make it again, or give another");
}

void start_library() {
  static const bool started = [] {
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
  Handle access = check.own(H5Pcreate(H5P_FILE_ACCESS));
  // Some Lustre mounts refuse flock.
  check(H5Pset_file_locking(access.get(), /*use_file_locking=*/true, /*ignore_when_disabled=*/true));
  return access;
}

}  // namespace orrery::archive
