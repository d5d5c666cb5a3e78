#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/number_text.hpp"
#include "orrery/core/point_map.hpp"
#include "orrery/verify/verify.hpp"

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <ostream>
#include <set>
#include <string>
#include <vector>

namespace orrery::verify {

using core::number_text;

/// 2⁻⁵², and the same for float32.
inline constexpr double epsilon = std::numeric_limits<double>::epsilon();
inline constexpr double epsilon_of_float = std::numeric_limits<float>::epsilon();

/// "(3, 5)": where the entry lies that is the `entry`-th of an array of that shape.
std::string place_text(const std::vector<std::int64_t>& shape, std::int64_t entry);

/// The same, put together only where it is written.
struct Place {
  const std::vector<std::int64_t>& shape;
  std::int64_t entry;
};
std::ostream& operator<<(std::ostream& out, const Place& place);

/// The entries of a dimension; 0 where the file has none of that name ("/sample").
std::int64_t length_of(const archive::Reader& file, const std::string& scale);
/// The paths of `not_computed`.
std::set<std::string> not_computed(const archive::Reader& file);

/// A file under scrutiny: what it should hold, what of it can be relied on, and whom to tell.
class FileChecker {
 public:
  FileChecker(const archive::Reader& file, const std::function<void(const Check&)>& report)
      : file_(file), report_(report) {}
  virtual ~FileChecker() = default;

  const archive::Reader& file() const { return file_; }
  const archive::Layout& layout() const { return layout_; }
  bool all_passed() const { return all_passed_; }

  /// Tells of a check.
  void tell(bool passed, const std::string& subject, const std::string& seen);

  /// Holds datasets against the layout: those that are as they should be can be read from then on.
  void check_contents();
  /// The same of those datasets alone that the file has, by type and shape: one that is missing is no fault.
  void check_shapes();
  /// Coordinates and datasets whose values the layout knows have those.
  void check_known();

  /// No number lies where none can, in those of the datasets that there are (core::Range).
  void check_ranges();
  /// The same of one dataset and a range that the layout doesn't know: told only where it is wrong.
  bool is_within(const std::string& path, const core::Range& range);

  /// Whether all of these datasets are there as the layout has them.
  bool has(std::initializer_list<std::string> paths) const;
  /// The whole dataset, or nothing where it is not there as it should be.
  std::vector<double> reals(const std::string& path) const;
  /// The same of entry `first` of its slowest dimension alone.
  std::vector<double> reals_at(const std::string& path, std::int64_t first) const;

  /// Whether an infinity at an entry of a dataset is one that earlier versions wrote where the layout now has
  /// NaN: it stands for what is not defined, and is no damage.
  virtual bool is_undefined(const std::string& /*path*/, std::int64_t /*entry*/) const { return false; }

  using Work = std::function<void(std::int64_t first, const std::vector<double>&)>;
  /// Calls `work(first, values)` with the dataset's entries from the first on, a slab at a time: whole lines
  /// of its slowest dimension, about 16 MiB as doubles, at least one.
  void for_slabs(const std::string& path, const Work& work) const;
  /// The same by lines of `line` entries, which divide the dataset.
  void for_lines(const std::string& path, std::int64_t line, const Work& work) const;

 protected:
  /// Takes the file's capture points; false, and told, where they are not those of a model of its layers.
  bool take_points(core::PointMap& points);
  /// Takes what the file's sizes say that it holds; false, and told, where no file has such sizes.
  bool take_layout(const std::function<archive::Layout()>& layout);

 private:
  const archive::Reader& file_;
  const std::function<void(const Check&)>& report_;
  archive::Layout layout_;
  std::set<std::string> sound_;
  bool all_passed_ = true;
};

/// An identity that is tried at many places: keeps the worst.
class Identity {
 public:
  explicit Identity(std::string subject) : subject_(std::move(subject)) {}

  /// `found` should be `expected` to within `bound`; a NaN should be a NaN. The parts of `place` say where:
  /// they are put together only where this is the worst so far.
  template <class... Parts>
  void hold(double found, double expected, double bound, const Parts&... place) {
    if (is_worst(found, expected, bound)) place_ = core::concat(place...);
  }
  /// The same without a bound: `right` or wrong.
  template <class... Parts>
  void require(bool right, double found, double expected, const Parts&... place) {
    if (is_worst(right, found, expected)) place_ = core::concat(place...);
  }
  /// Tells `checker` of the worst, if there was anything to try.
  void tell(FileChecker& checker) const;

 private:
  bool is_worst(double found, double expected, double bound);
  bool is_worst(bool right, double found, double expected);
  bool take(double share, double found, double expected, double bound);

  std::string subject_;
  std::int64_t tried_ = 0;
  std::int64_t broken_ = 0;
  // The worst: how far it is off, as a share of what the bound allows.
  double share_ = -1;
  double found_ = 0, expected_ = 0, bound_ = 0;
  std::string place_;
};

}  // namespace orrery::verify
