#include "file_checker.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iomanip>
#include <optional>
#include <sstream>

namespace orrery::study {
namespace {

using archive::AttributeValue;
using archive::Dataset;
using archive::DatasetInfo;
using core::concat;

std::int64_t length_of(const archive::Reader& file, const char* scale) {
  return file.has(scale) ? file.info(scale).shape[0] : 0;
}

/// The paths of not_computed.
std::set<std::string> not_computed(const archive::Reader& file) {
  std::set<std::string> paths;
  const std::optional<AttributeValue> value = file.attribute("/", "not_computed");
  if (!value || !std::holds_alternative<std::string>(*value)) return paths;
  std::istringstream lines(std::get<std::string>(*value));
  for (std::string line; std::getline(lines, line);) paths.insert(line.substr(0, line.find(": ")));
  return paths;
}

std::string description(archive::ElementType type, const std::vector<std::int64_t>& shape,
                        const std::vector<std::string>& dimensions) {
  std::string text = concat(archive::name_of(type), " (");
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += concat(i > 0 ? ", " : "", i < dimensions.size() ? dimensions[i] : "", " ", shape[i]);
  }
  return text + ")";
}

template <class Real>
std::string shortest(Real value) {
  std::array<char, 32> characters{};
  const auto end = std::to_chars(characters.data(), characters.data() + characters.size(), value).ptr;
  return {characters.data(), end};
}

archive::TraceExtent extent_in(const archive::Reader& file) {
  archive::TraceExtent extent;
  extent.samples = length_of(file, "/sample");
  extent.rows = file.integer("rows");
  extent.layers = (length_of(file, "/point") - 1) / 2;
  extent.units = length_of(file, "/unit");
  extent.components = length_of(file, "/pooled_mode");
  extent.tokens = length_of(file, "/token_index");
  extent.ranks = length_of(file, "/timing/rank_number");
  extent.rows_kept = file.text("moments") == "rows";
  extent.every_token = file.integer("every_token") != 0;
  extent.keep_rows = !not_computed(file).contains("/residual/last_token");
  extent.rows_float64 = file.attribute("/", "residual_dtype") == AttributeValue("float64");
  if (file.has("/rotation/null_mean")) {
    const std::optional<AttributeValue> draws = file.attribute("/rotation/null_mean", "draws");
    if (draws && std::holds_alternative<std::int64_t>(*draws)) extent.permutations = std::get<1>(*draws);
  }
  return extent;
}

}  // namespace

std::string place_text(const std::vector<std::int64_t>& shape, std::int64_t entry) {
  std::vector<std::int64_t> place(shape.size());
  for (std::size_t i = shape.size(); i-- > 0; entry /= shape[i]) place[i] = entry % shape[i];
  std::string text = "(";
  for (const std::int64_t index : place)
    text.append(text.size() > 1 ? ", " : "").append(std::to_string(index));
  return text.append(")");
}

std::string number_text(double value) {
  return shortest(value);
}
std::string number_text(float value) {
  return shortest(value);
}

void FileChecker::tell(bool passed, const std::string& subject, const std::string& seen) {
  all_passed_ = all_passed_ && passed;
  report_({passed, subject, seen});
}

bool FileChecker::take_sizes() {
  try {
    extent_ = extent_in(file_);
    layout_ = archive::trace_layout(extent_);
    return true;
  } catch (const core::Error& error) {
    tell(false, "sizes", error.what());
    return false;
  }
}

void FileChecker::check_contents() {
  const std::set<std::string> listed = not_computed(file_);
  bool right = true;
  const auto wrong = [&](const std::string& path, const std::string& seen) {
    right = false;
    tell(false, path, seen);
  };
  for (const Dataset& dataset : layout_.datasets) {
    const bool there = file_.has(dataset.path);
    if (there == listed.contains(dataset.path)) {
      wrong(dataset.path, there ? "is there, and in not_computed" : "is missing, and not in not_computed");
      continue;
    }
    if (!there) continue;
    const DatasetInfo& info = file_.info(dataset.path);
    const std::vector<std::int64_t> shape = archive::shape_of(layout_, dataset);
    if (info.type != dataset.type || info.shape != shape || info.dimensions != dataset.dimensions) {
      wrong(dataset.path, concat("is ", description(info.type, info.shape, info.dimensions), ", not ",
                                 description(dataset.type, shape, dataset.dimensions)));
    } else if (info.long_name.empty() || info.units.empty()) {
      wrong(dataset.path, "has no long_name or no units");
    } else {
      sound_.insert(dataset.path);
    }
  }
  for (const archive::Absence& absence : layout_.absent) {
    if (file_.has(absence.path)) wrong(absence.path, concat("is there, though: ", absence.reason));
    if (!listed.contains(absence.path)) wrong(absence.path, "is missing, and not in not_computed");
  }
  if (right) tell(true, "contents", concat(sound_.size(), " datasets, ", listed.size(), " not computed"));
}

bool FileChecker::has(std::initializer_list<const char*> paths) const {
  return std::ranges::all_of(paths, [&](const char* path) { return sound_.contains(path); });
}

std::vector<double> FileChecker::reals(const std::string& path) const {
  return sound_.contains(path) ? file_.read_reals(path) : std::vector<double>();
}

void FileChecker::for_slabs(const std::string& path,
                            const std::function<void(std::int64_t, const std::vector<double>&)>& work) const {
  constexpr std::int64_t slab_entries = std::int64_t{2} << 20;
  const DatasetInfo& info = file_.info(path);
  const std::int64_t line = info.entries() / info.shape[0];
  const std::int64_t lines = std::max<std::int64_t>(1, slab_entries / line);
  for (std::int64_t first = 0; first < info.shape[0]; first += lines) {
    work(first * line, file_.read_reals(path, first, std::min(lines, info.shape[0] - first)));
  }
}

bool Identity::take(double share, double found, double expected, double bound) {
  ++tried_;
  if (!(share <= 1)) ++broken_;
  if (share <= share_) return false;
  share_ = share;
  found_ = found;
  expected_ = expected;
  bound_ = bound;
  return true;
}

bool Identity::is_worst(double found, double expected, double bound) {
  const bool none = std::isnan(found) && std::isnan(expected);
  const double error = none ? 0 : std::abs(found - expected);
  // Written so that a NaN is as bad as can be.
  double share = std::numeric_limits<double>::infinity();
  if (error == 0) {
    share = 0;
  } else if (error <= std::numeric_limits<double>::max() && bound > 0) {
    share = error / bound;
  }
  return take(share, found, expected, bound);
}

bool Identity::is_worst(bool right, double found, double expected) {
  return take(right ? 0 : std::numeric_limits<double>::infinity(), found, expected, std::nan(""));
}

void Identity::tell(FileChecker& checker) const {
  if (tried_ == 0) return;
  std::string text = broken_ == 0 ? concat(tried_, " tried") : concat(broken_, " of ", tried_, " wrong");
  if (!(share_ > 0)) {
    text += ", all exact";
  } else if (std::isnan(bound_)) {
    text += concat(", ", number_text(found_), " beside ", number_text(expected_), " at ", place_);
  } else {
    text += concat(", worst: ", number_text(found_), " for ", number_text(expected_), " at ", place_, ", ",
                   std::setprecision(2), std::abs(found_ - expected_), " off where ", bound_, " is allowed");
  }
  checker.tell(broken_ == 0, subject_, text);
}

}  // namespace orrery::study
