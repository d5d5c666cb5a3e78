#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/parallel/communicator.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace orrery::archive {

/// A rectangle of a dataset: where it begins, and how many entries it has along each dimension.
struct Slab {
  std::vector<std::int64_t> offset;
  std::vector<std::int64_t> count;
};

/// The file that `build_file` made, open on all ranks at once through MPI-IO. Each writes its own slabs; no
/// two ranks may write the same entry.
///
/// After a failed write the file can't be closed (ROMIO hangs): its handles are kept open on purpose, and the
/// program must not come to MPI_Finalize, which would close them too. So write under parallel::agree, pass
/// the AgreedError through `give_up`, and end as the one that it returns says (AgreedError::ending).
class SharedFile {
 public:
  /// Most bytes in one call of HDF5, and under one hash: a single write of 2 GiB fails, and reading back
  /// needs one buffer of this size.
  static constexpr std::int64_t default_block_bytes = std::int64_t{128} << 20;

  /// Collective: opens the file at `path`, made from `layout`. `ranks` must outlive it. Throws AgreedError
  /// with io where it can't be opened or is not of that layout. Where some rank opened it all the same, the
  /// error says that it is left open, as those of all below do.
  SharedFile(const parallel::Communicator& ranks, const std::filesystem::path& path, const Layout& layout,
             std::int64_t block_bytes = default_block_bytes);
  /// Not collective: a file that is still open stays so until the process ends, at once.
  ~SharedFile();
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;

  /// Writes `values` (row-major, as many as the slab has entries) into `slab` of the dataset at `path`, and
  /// returns the XXH64 of their bytes. Not collective: a rank calls it as often as it likes, or never. Throws
  /// io_error where the disk refuses (see above), internal_error where there is no such dataset, its type is
  /// another or the slab doesn't fit.
  std::uint64_t write(const std::string& path, const Slab& slab, std::span<const float> values);
  std::uint64_t write(const std::string& path, const Slab& slab, std::span<const double> values);
  std::uint64_t write(const std::string& path, const Slab& slab, std::span<const std::int32_t> values);
  std::uint64_t write(const std::string& path, const Slab& slab, std::span<const std::int64_t> values);
  std::uint64_t write(const std::string& path, const Slab& slab, std::span<const std::uint8_t> values);

  /// Fills `into` with `slab` of the dataset at `path`: what this rank wrote, or what lay in the file when it
  /// was opened. Not collective. Throws io_error where it can't be read, internal_error as `write` does.
  void read(const std::string& path, const Slab& slab, std::span<float> into) const;
  void read(const std::string& path, const Slab& slab, std::span<double> into) const;
  void read(const std::string& path, const Slab& slab, std::span<std::int32_t> into) const;
  void read(const std::string& path, const Slab& slab, std::span<std::int64_t> into) const;
  void read(const std::string& path, const Slab& slab, std::span<std::uint8_t> into) const;

  /// What `write` returned for the slab, if the file holds the same bytes now: for blocks that an earlier
  /// process wrote. Takes memory for the whole slab, which is small in a sweep. As `read` else.
  std::uint64_t hash_of(const std::string& path, const Slab& slab) const;

  /// Until `close` has closed it.
  bool is_open() const { return open_ != nullptr; }

  /// Collective: brings all that the ranks wrote to disk, so that a checkpoint may speak of it. Throws
  /// AgreedError where a rank's write had failed or the disk refuses now; the file can't be closed then.
  void flush();

  /// Collective: every rank's data to disk, and the file closed. Throws AgreedError where a rank's write had
  /// failed (the file then stays open) or the disk refuses now.
  void close();

  /// Collective: closes it where the run ends with that error, unless a write had failed. Returns the error
  /// that the run ends with now: `reason`, or the disk's own where that refuses to close it.
  [[nodiscard]] parallel::AgreedError give_up(const parallel::AgreedError& reason);

  /// Collective, after `close`: opens the file again and compares each block that this rank wrote with the
  /// hash taken of it in memory. Throws AgreedError with io, naming dataset and rank, where one differs.
  void read_back() const;

  /// Bytes that this rank wrote.
  std::int64_t bytes_written() const { return bytes_written_; }

 private:
  struct Open;
  struct Block {
    std::size_t dataset;
    Slab slab;
    std::uint64_t hash;
  };
  void look() const;
  Open open(unsigned flags) const;
  std::size_t find(const std::string& path, ElementType type, const Slab& slab, std::int64_t bytes) const;
  std::uint64_t write_bytes(const std::string& path, ElementType type, const Slab& slab,
                            std::span<const std::byte> bytes);
  void write_piece(std::size_t dataset, const Slab& slab, std::span<const std::byte> bytes);
  void read_bytes(const std::string& path, ElementType type, const Slab& slab,
                  std::span<std::byte> bytes) const;
  void read_piece(const Open& opened, std::size_t dataset, const Slab& slab,
                  std::span<std::byte> bytes) const;

  const parallel::Communicator& ranks_;
  std::filesystem::path path_;
  Layout layout_;
  std::int64_t block_bytes_;
  std::unique_ptr<Open> open_;
  std::vector<Block> blocks_;
  std::int64_t bytes_written_ = 0;
  bool failed_ = false;
};

}  // namespace orrery::archive
