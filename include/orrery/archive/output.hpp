#pragma once

#include <cstdint>
#include <filesystem>

namespace orrery::archive {

/// What to do where the output, or work in progress on it, is there already.
enum class Existing { refuse, overwrite };

/// The life of an output OUT: the folder OUT.part beside it, with a lock and the file in the making, until
/// the file is renamed to OUT. Rank 0 alone has one; nothing here communicates.
class Output {
 public:
  /// Makes OUT.part and locks it, before anything is computed. Throws usage_error where OUT or OUT.part
  /// exists without `overwrite`, where OUT is no regular file or another run holds the lock; io_error where
  /// the folder of OUT is missing or can't be written. With `overwrite` an old OUT.part goes, and an old OUT
  /// stays until `publish`. OUT.part is never emptied of files that orrery did not put there.
  Output(std::filesystem::path out, Existing existing);

  const std::filesystem::path& out() const { return out_; }
  const std::filesystem::path& part() const { return part_; }
  /// OUT.part/data.h5, where the file is made.
  std::filesystem::path file() const { return part_ / "data.h5"; }

  /// Sets aside disk blocks for a file of `bytes` bytes, and a little for attributes that come last. The file
  /// is there. Throws io_error naming the bytes needed and available; where the file system can't set aside,
  /// it compares with what is free, and logs a warning.
  void reserve(std::int64_t bytes) const;

  /// Brings the file to disk, renames it to OUT and removes OUT.part. Throws io_error; usage_error where
  /// OUT has come into being since and `overwrite` was not asked for (OUT.part stays then).
  void publish();

  /// Removes OUT.part: for a run that ends before anything in it is worth keeping.
  void discard();

 private:
  std::filesystem::path out_;
  std::filesystem::path part_;
  Existing existing_;
};

}  // namespace orrery::archive
