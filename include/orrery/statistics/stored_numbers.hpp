#pragma once

#include "orrery/core/concat.hpp"

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace orrery::statistics {

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

/// The datasets of a file, read back to see whether the identities between them hold, and whom to tell.
class StoredNumbers {
 public:
  virtual ~StoredNumbers() = default;

  /// Whether all of these datasets are there as the layout has them.
  virtual bool has(std::initializer_list<std::string> paths) const = 0;
  /// The whole dataset, or nothing where it is not there as it should be.
  virtual std::vector<double> reals(const std::string& path) const = 0;
  /// The same of entry `first` of its slowest dimension alone.
  virtual std::vector<double> reals_at(const std::string& path, std::int64_t first) const = 0;
  /// An attribute that is a number.
  virtual std::optional<double> number(const std::string& object, const std::string& name) const = 0;

  using Work = std::function<void(std::int64_t first, const std::vector<double>&)>;
  /// Calls `work(first, values)` with the dataset's entries from the first on, a slab at a time: whole lines
  /// of its slowest dimension, about 16 MiB as doubles, at least one.
  virtual void for_slabs(const std::string& path, const Work& work) const = 0;

  /// Tells of a check.
  virtual void tell(bool passed, const std::string& subject, const std::string& seen) = 0;
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
  /// Tells of the worst, if there was anything to try.
  void tell(StoredNumbers& stored) const;

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

}  // namespace orrery::statistics
