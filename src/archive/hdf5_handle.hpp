#pragma once

#include "file_lock.hpp"
#include "orrery/core/error.hpp"

#include <hdf5.h>

#include <filesystem>
#include <string>
#include <utility>

namespace orrery::archive {

/// Owns one HDF5 identifier of any kind. Move-only.
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  Handle(Handle&& other) noexcept : id_(other.release()) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      id_ = other.release();
    }
    return *this;
  }
  ~Handle() { reset(); }

  hid_t get() const { return id_; }
  /// Gives the identifier up without closing it.
  hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }
  /// Closes it; an error is not seen. For a file that was written, see `Check::close_file`.
  void reset() noexcept {
    if (id_ >= 0) H5Idec_ref(id_);
    id_ = H5I_INVALID_HID;
  }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

/// What to say where a call of HDF5 fails: our words and the innermost of the library's, as a core::Error.
class Check {
 public:
  /// `code` is ExitCode::io for a file that we write, ExitCode::bad_input for one that we read.
  Check(core::ExitCode code, std::string problem, std::string seen)
      : code_(code), problem_(std::move(problem)), seen_(std::move(seen)) {}

  /// `result`, unless it is negative: HDF5's sign of failure.
  template <class Result>
  Result operator()(Result result) const {
    if (result < 0) fail();
    return result;
  }
  Handle own(hid_t id) const { return Handle((*this)(id)); }
  /// Closes a file and sees whether that went well. Collective for a file opened through MPI-IO.
  void close_file(Handle& file) const { (*this)(H5Fclose(file.release())); }
  [[noreturn]] void fail() const;
  /// What the error is about: the file, and the object in it.
  const std::string& seen() const { return seen_; }
  /// The same error, about `part` of what was seen.
  Check about(const std::string& part) const { return {code_, problem_, seen_ + ", " + part}; }

 private:
  core::ExitCode code_;
  std::string problem_;
  std::string seen_;
};

/// Starts the library, once: keeps it from printing its errors, and from closing files by itself when the
/// program ends, which crashes after a close that failed. (MPI_Finalize does it all the same: see
/// SharedFile.)
void start_library();

/// A file access list for the serial driver, in a library that is started.
Handle serial_access();

/// The same for the file at `path`, which is there: it is locked where the file system has locks, and done
/// without where it hasn't. Throws io_error where another program holds the lock.
Handle serial_access(const std::filesystem::path& path, Use use);

/// The innermost text of the library's error stack, in one line; empty where there is none. Clears the stack.
std::string library_words();

}  // namespace orrery::archive
