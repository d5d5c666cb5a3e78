#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace orrery::archive {

/// Which units (blocks of prompts, tiles) of work in progress are finished and on disk, and what made them.
struct Checkpoint {
  std::map<std::string, std::string> identity = {};  ///< name → value, UTF-8: what a resumed run must share
  std::map<std::int64_t, std::uint64_t> blocks = {};  ///< finished block → hash of what it wrote
  /// Names of files of sums, for each pass over the blocks in order; `blocks` are those of the last one.
  std::vector<std::vector<std::string>> passes = {};
  /// What the run that began chose by the machine it had, name → number: a later one must do the same.
  std::map<std::string, std::int64_t> choices = {};

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
