#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace orrery::archive {

/// Which blocks of work in progress are finished and on disk, and what made them.
struct Checkpoint {
  std::map<std::string, std::string> identity;   ///< name → value, UTF-8: what a resumed run must share
  std::map<std::int64_t, std::uint64_t> blocks;  ///< finished block → hash of what it wrote

  bool operator==(const Checkpoint&) const = default;
};

/// Writes a JSON file in place of the one at `path`: whole under the name PATH.new, on disk, then renamed, so
/// that a process killed at any moment leaves the old one or the new one. What the blocks wrote must be on
/// disk before (SharedFile::flush). One rank calls it. Throws io_error, and leaves the old one.
void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// Throws bad_input where the file is missing, damaged, or no checkpoint of this version; io_error where
/// reading fails.
Checkpoint read_checkpoint(const std::filesystem::path& path);

}  // namespace orrery::archive
