#pragma once

#include "orrery/core/read_file.hpp"
#include "orrery/core/state.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace orrery::archive {

class Descriptor;

/// Sums on disk: blocks of at most 8 MiB, each behind its length and XXH64, so that not a bit can change
/// unseen. For one rank; numbers are in this machine's own form.
class StateFileWriter final : public core::StateWriter {
 public:
  /// Makes the file, replacing one that is there. Throws io_error, as all below.
  explicit StateFileWriter(const std::filesystem::path& path);
  ~StateFileWriter() override;

  void write(std::span<const std::byte> bytes) override;
  /// What was written is on disk when this returns. Once, at the end; a file without it can't be read.
  void finish();

 private:
  void write_block();

  std::filesystem::path path_;
  std::unique_ptr<Descriptor> file_;
  std::vector<std::byte> block_;
  std::int64_t offset_ = 0;
};

/// Reads such a file.
class StateFileReader final : public core::StateReader {
 public:
  /// Throws bad_input where the file is missing or none of ours.
  explicit StateFileReader(const std::filesystem::path& path);

  /// Throws bad_input where the file is damaged or ends before.
  void read(std::span<std::byte> bytes) override;
  /// Throws bad_input unless all was read and the file is whole.
  void finish();

 private:
  bool next_block();
  [[noreturn]] void damaged(const char* how) const;

  std::filesystem::path path_;
  core::ReadFile file_;
  std::vector<std::byte> block_;
  std::size_t taken_ = 0;  // of the block
  std::int64_t offset_ = 0;
};

}  // namespace orrery::archive
