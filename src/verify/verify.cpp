#include "orrery/verify/verify.hpp"

#include "file_checker.hpp"
#include "orrery/archive/checksum.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "sweep_checks.hpp"
#include "trace_checks.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iomanip>
#include <optional>
#include <span>
#include <vector>

namespace orrery::verify {
namespace {

using archive::Dataset;
using archive::DatasetInfo;
using archive::ElementType;
using core::concat;

/// The first entry of `bytes` that may not stand there: a NaN or an infinity where none may be.
template <class T>
std::optional<std::int64_t> first_wrong(std::span<const std::byte> bytes, bool may_be_nan,
                                        bool may_be_infinite) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    if (std::isfinite(value) || (std::isnan(value) ? may_be_nan : may_be_infinite)) continue;
    return static_cast<std::int64_t>(at / sizeof(T));
  }
  return std::nullopt;
}

std::optional<std::int64_t> first_wrong(const Dataset& described, std::span<const std::byte> bytes) {
  const bool may_be_nan = !described.nan_where.empty(), may_be_infinite = !described.infinite_where.empty();
  if (described.type == ElementType::float32) return first_wrong<float>(bytes, may_be_nan, may_be_infinite);
  if (described.type == ElementType::float64) return first_wrong<double>(bytes, may_be_nan, may_be_infinite);
  return std::nullopt;
}

/// Reads every byte once: checksums, and numbers where there should be numbers.
class Scan {
 public:
  explicit Scan(FileChecker& checker) : checker_(checker), file_(checker.file()) {}

  void run() {
    for (const DatasetInfo& info : file_.datasets()) {
      if (info.has_values) scan(info);
    }
    check_attributes();
    if (sound_) {
      checker_.tell(true, "checksums",
                    concat(hashed_, " datasets, ", std::fixed, std::setprecision(1),
                           static_cast<double>(bytes_) / (1 << 20), " MiB"));
    }
    if (undefined_ > 0) {
      checker_.tell(true, "infinite",
                    concat(undefined_, " entries of ", undefined_in_,
                           " are distances over a spread or a length of 0, which earlier versions wrote as "
                           "infinite: read them as NaN"));
    }
    if (finite_)
      checker_.tell(true, "finite", concat(bounded_, " datasets, NaN only where nan_where says so"));
  }

 private:
  void scan(const DatasetInfo& info) {
    std::vector<std::string> found;
    if (info.type == ElementType::text) {
      found.push_back(archive::checksum_of(file_.read_texts(info.path)));
    } else {
      found = scan_blocks(info);
    }
    if (archive::has_checksum(info)) compare(info, found);
  }

  /// The checksums of a dataset's blocks, its numbers looked at on the way.
  std::vector<std::string> scan_blocks(const DatasetInfo& info) {
    const auto described = std::ranges::find(checker_.layout().datasets, info.path, &Dataset::path);
    const bool known = described != checker_.layout().datasets.end() && described->type == info.type;
    const std::int64_t size = archive::size_of(info.type);
    std::vector<std::string> found;
    bool wrong = false;
    for (std::int64_t first = 0; first < info.bytes(); first += archive::checksum_block_bytes) {
      const std::int64_t count = std::min(archive::checksum_block_bytes, info.bytes() - first);
      buffer_.resize(static_cast<std::size_t>(count));
      file_.read_stored(info.path, first, buffer_);
      found.push_back(archive::checksum_of(buffer_));
      bytes_ += count;
      if (!known || wrong) continue;
      wrong = look_at_numbers(info, *described, first / size);
    }
    if (known) ++bounded_;
    return found;
  }

  /// Tells of the first number of the block, whose first entry is `first`, that may not stand there; whether
  /// there is one.
  bool look_at_numbers(const DatasetInfo& info, const Dataset& described, std::int64_t first) {
    const auto size = static_cast<std::size_t>(archive::size_of(info.type));
    const std::span<const std::byte> bytes(buffer_);
    for (std::size_t from = 0; from < bytes.size(); from += size) {
      const std::optional<std::int64_t> found = first_wrong(described, bytes.subspan(from));
      if (!found) return false;
      from += static_cast<std::size_t>(*found) * size;
      const std::int64_t entry = first + static_cast<std::int64_t>(from / size);
      const double value = value_at(info, from);
      if (!std::isinf(value) || !checker_.is_undefined(info.path, entry)) {
        tell_wrong(info, described, entry, value);
        return true;
      }
      ++undefined_;
      if (undefined_in_.find(info.path) == std::string::npos)
        undefined_in_.append(undefined_in_.empty() ? "" : ", ").append(info.path);
    }
    return false;
  }

  /// The number at a place of the block.
  double value_at(const DatasetInfo& info, std::size_t at) const {
    double value = 0;
    if (info.type == ElementType::float32) {
      float narrow = 0;
      std::memcpy(&narrow, buffer_.data() + at, sizeof narrow);
      value = narrow;  // NaN or infinite: nothing is lost
    } else {
      std::memcpy(&value, buffer_.data() + at, sizeof value);
    }
    return value;
  }

  void tell_wrong(const DatasetInfo& info, const Dataset& described, std::int64_t entry, double value) {
    finite_ = false;
    checker_.tell(
        false, "finite",
        concat(info.path, " is ", number_text(value), " at ", place_text(info.shape, entry), "; ",
               described.nan_where.empty() ? "it is never NaN" : "it may be NaN where " + described.nan_where,
               described.infinite_where.empty() ? ", and never infinite"
                                                : ", and infinite where " + described.infinite_where));
  }

  void compare(const DatasetInfo& info, const std::vector<std::string>& found) {
    ++hashed_;
    const std::optional<std::vector<std::string>> stored = archive::stored_checksums(file_, info.path);
    if (!stored || stored->size() != found.size()) {
      sound_ = false;
      checker_.tell(false, "checksum",
                    concat(info.path, " has ", stored ? stored->size() : 0, ", not ", found.size()));
      return;
    }
    const auto [first, now] = std::ranges::mismatch(*stored, found);
    if (first == stored->end()) return;
    sound_ = false;
    const std::int64_t block = first - stored->begin();
    checker_.tell(false, "checksum",
                  concat(info.path, " is damaged in bytes ", block * archive::checksum_block_bytes, " to ",
                         std::min((block + 1) * archive::checksum_block_bytes, info.bytes()) - 1, ": ", *now,
                         ", not ", *first));
  }

  void check_attributes() {
    const std::optional<std::string> stored = archive::stored_attribute_checksum(file_);
    const std::string found = archive::checksum_of_attributes(file_);
    if (stored == found) return;
    sound_ = false;
    checker_.tell(false, "checksum",
                  concat("attributes were changed: ", found, ", not ", stored.value_or("any")));
  }

  FileChecker& checker_;
  const archive::Reader& file_;
  std::vector<std::byte> buffer_;
  std::int64_t hashed_ = 0, bounded_ = 0, bytes_ = 0;
  std::int64_t undefined_ = 0;  // infinities of earlier versions
  std::string undefined_in_;    // and the datasets that have them
  bool sound_ = true, finite_ = true;
};

/// A file of which nothing more is known than that a run wrote it.
class AnyChecker : public FileChecker {
 public:
  using FileChecker::FileChecker;
  bool take_sizes() { return false; }
};

/// Sizes, contents and every byte, of a file of any format; then what `check_numbers` does.
template <class Checker, class Checks>
bool verify(Checker checker, const Checks& check_numbers) {
  const bool complete = checker.file().complete();
  checker.tell(complete, "complete", complete ? "its run ended" : "its run did not end");
  const bool sized = checker.take_sizes();
  if (sized) checker.check_contents();
  Scan(checker).run();
  if (sized) {
    checker.check_known();
    check_numbers(checker);
  }
  return checker.all_passed();
}

}  // namespace

void require_sizes(const archive::Reader& file) {
  const std::function<void(const Check&)> refuse = [&](const Check& check) {
    if (check.passed) return;
    throw core::bad_input("the file does not hold together",
                          concat(file.path(), ", ", check.subject, ": ", check.seen),
                          "make it again; `orrery verify` says what else is wrong");
  };
  const auto require = [](auto checker) {
    checker.take_sizes();
    checker.check_shapes();
  };
  if (file.format() == archive::sweep_format) return require(SweepChecker(file, refuse));
  require(TraceChecker(file, refuse));
}

bool verify_file(const archive::Reader& file, const std::function<void(const Check&)>& report) {
  if (file.format() == archive::sweep_format) return verify(SweepChecker(file, report), check_sweep);
  if (file.format() == archive::trace_format) return verify(TraceChecker(file, report), check_trace);
  return verify(AnyChecker(file, report), [](FileChecker&) {});
}

}  // namespace orrery::verify
