#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace orrery::core {

/// A file open for reading at any offset. Plain `pread` in large blocks: mapping was far slower, and on
/// network file systems a mapped file that shrinks kills the job.
class ReadFile {
 public:
  /// Throws bad_input where the file is missing, is no regular file or can't be opened,
  /// io_error where the disk is at fault.
  explicit ReadFile(const std::filesystem::path& path);
  ~ReadFile();
  ReadFile(const ReadFile&) = delete;
  ReadFile& operator=(const ReadFile&) = delete;

  /// Bytes at the time of opening.
  std::int64_t size() const { return size_; }
  /// Fills `into` from byte `offset`. Throws io_error where reading fails, bad_input where the file ends
  /// first.
  void read(std::int64_t offset, std::span<std::byte> into) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
};

}  // namespace orrery::core
