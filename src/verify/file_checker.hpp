#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/number_text.hpp"
#include "orrery/core/point_map.hpp"
#include "orrery/statistics/stored_numbers.hpp"
#include "orrery/verify/verify.hpp"

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace orrery::verify {

using core::number_text;
using statistics::epsilon;
using statistics::epsilon_of_float;
using statistics::Identity;
using statistics::Place;
using statistics::place_text;

/// The entries of a dimension; 0 where the file has none of that name ("/sample").
std::int64_t length_of(const archive::Reader& file, const std::string& scale);
/// The paths of `not_computed`.
std::set<std::string> not_computed(const archive::Reader& file);

/// A file under scrutiny: what it should hold, what of it can be relied on, and whom to tell.
class FileChecker : public statistics::StoredNumbers {
 public:
  FileChecker(const archive::Reader& file, const std::function<void(const Check&)>& report)
      : file_(file), report_(report) {}

  const archive::Reader& file() const { return file_; }
  const archive::Layout& layout() const { return layout_; }
  bool all_passed() const { return all_passed_; }

  void tell(bool passed, const std::string& subject, const std::string& seen) override;

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

  bool has(std::initializer_list<std::string> paths) const override;
  std::vector<double> reals(const std::string& path) const override;
  std::vector<double> reals_at(const std::string& path, std::int64_t first) const override;
  std::optional<double> number(const std::string& object, const std::string& name) const override;
  void for_slabs(const std::string& path, const Work& work) const override;
  /// The same by lines of `line` entries, which divide the dataset.
  void for_lines(const std::string& path, std::int64_t line, const Work& work) const;

  /// Whether an infinity at an entry of a dataset is one that earlier versions wrote where the layout now has
  /// NaN: it stands for what is not defined, and is no damage.
  virtual bool is_undefined(const std::string& /*path*/, std::int64_t /*entry*/) const { return false; }

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

}  // namespace orrery::verify
