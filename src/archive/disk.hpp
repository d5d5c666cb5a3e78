#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace orrery::archive {

/// A file or folder that is open, and closes itself. Throws io_error where it can't be opened.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags);
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

/// Gives the file at `path` the blocks for its first `bytes` bytes, its length unchanged. Where the file
/// system can't, it asks how much is free and logs a warning. Throws io_error, naming both numbers, where it
/// is too little.
void reserve_on_disk(const std::filesystem::path& path, std::int64_t bytes);

/// Makes an empty file at `path`, replacing one that is there, after seeing that `bytes` bytes could stand in
/// it. Throws io_error where they could not. For what can't bear a write that fails.
void make_empty_file(const std::filesystem::path& path, std::int64_t bytes);

/// Throws io_error unless the file system of `path` says that it has `bytes` free bytes, or says nothing.
void check_free_space(const std::filesystem::path& path, std::int64_t bytes);

/// Writes `bytes` from byte `offset` of an open file on, whose `path` an error names. Throws io_error.
void write_at(const Descriptor& file, const std::filesystem::path& path, std::int64_t offset,
              std::string_view bytes);

/// Gives `path` these bytes, all or none: they are on disk under the name PATH.new before it becomes PATH,
/// and the new name is on disk when this returns. Throws io_error; what was at `path` is still there then.
void replace_file(const std::filesystem::path& path, std::string_view bytes);

/// Waits until the file or folder at `path` is on disk. Throws io_error.
void sync_to_disk(const std::filesystem::path& path);

}  // namespace orrery::archive
