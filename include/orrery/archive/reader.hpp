#pragma once

#include "orrery/archive/layout.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace orrery::archive {

/// A dataset as it stands in a file.
struct DatasetInfo {
  std::string path;
  ElementType type = ElementType::float64;
  std::vector<std::int64_t> shape;
  std::vector<std::string> dimensions;  ///< names of its scales; "" where one is missing
  std::string long_name;
  std::string units;
  bool is_scale = false;
  bool has_values = true;   ///< false for a scale that stands for its length alone
  std::int64_t offset = 0;  ///< where its entries begin in the file, one after the other; 0 without values

  /// Entries, and the bytes they take in the file. Neither overflows in a file that was listed.
  std::int64_t entries() const;
  std::int64_t bytes() const { return entries() * size_of(type); }
};

/// Makes another command's format known, up to a version: `const AddedFormat mine("orrery-mine", 1);` before
/// main.
struct AddedFormat {
  AddedFormat(const std::string& name, std::int64_t newest_version);
};

/// What to do with a file whose run did not end.
enum class Incomplete { refuse, accept };

/// Whether the file may be anyone's, or is the one that this very run made.
enum class Origin { unknown, own };

/// One of orrery's files, read by one process, without MPI. Made for files of unknown origin: sizes are held
/// against the file's own before memory is taken, nothing outside the file is followed, and a
/// child process reads all but the numbers first, since HDF5 may crash on a damaged file (not where the file
/// is our `own`: not every network under MPI bears a child). Texts and attributes are read once, when the
/// file is opened; one that can't be is an error where it is asked for. Errors are bad_input.
class Reader {
 public:
  /// Opens the file. Throws bad_input where it is missing, not HDF5, not one of orrery's, of a format newer
  /// than this program, damaged, or not complete (unless `accept`).
  explicit Reader(const std::filesystem::path& path, Incomplete incomplete = Incomplete::refuse,
                  Origin origin = Origin::unknown);
  ~Reader();
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;

  const std::string& path() const;
  /// "orrery-trace", …
  const std::string& format() const { return format_; }
  bool complete() const { return complete_; }

  /// All datasets, the scales among them, by path.
  const std::vector<DatasetInfo>& datasets() const { return datasets_; }
  /// All groups, by path, the root ("/") first.
  const std::vector<std::string>& groups() const { return groups_; }
  bool has(const std::string& path) const;
  /// Throws bad_input where there is no such dataset.
  const DatasetInfo& info(const std::string& path) const;

  // The whole dataset, row-major. Numbers of another type are converted; `read_integers` refuses real
  // numbers, and each refuses text, but for `read_texts`, which takes nothing else.
  std::vector<double> read_reals(const std::string& path) const;
  std::vector<std::int64_t> read_integers(const std::string& path) const;
  std::vector<std::string> read_texts(const std::string& path) const;
  /// Entries `first` … `first + count − 1` of the slowest dimension.
  std::vector<double> read_reals(const std::string& path, std::int64_t first, std::int64_t count) const;
  /// The same, as the little-endian bytes of the file; for comparing files bit by bit.
  std::vector<std::byte> read_bytes(const std::string& path, std::int64_t first, std::int64_t count) const;

  /// Fills `into` with the dataset's bytes from `first` on, as they lie in the file: row-major,
  /// little-endian. For any part of any dataset but one of text, in memory that the caller bounds.
  void read_stored(const std::string& path, std::int64_t first, std::span<std::byte> into) const;

  /// Names of the attributes of a group or dataset that hold one text or number, sorted; HDF5's own are left
  /// out.
  std::vector<std::string> attribute_names(const std::string& object) const;
  /// The attribute, or nothing where there is none.
  std::optional<AttributeValue> attribute(const std::string& object, const std::string& name) const;
  // The attribute of the root, or throws bad_input where it is missing or of another kind.
  std::string text(const std::string& name) const;
  std::int64_t integer(const std::string& name) const;

 private:
  struct File;
  void open(Incomplete incomplete);
  [[noreturn]] void refuse_other_kind() const;
  void read_all_texts();
  void check_format(Incomplete incomplete);
  std::unique_ptr<File> file_;
  std::string format_;
  bool complete_ = false;
  std::vector<DatasetInfo> datasets_;
  std::vector<std::string> groups_;
};

}  // namespace orrery::archive
