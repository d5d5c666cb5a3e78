#include "file_checker.hpp"

#include "orrery/archive/point_datasets.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iomanip>
#include <optional>
#include <span>
#include <sstream>

namespace orrery::verify {
namespace {

using archive::AttributeValue;
using archive::Dataset;
using archive::DatasetInfo;
using core::concat;

constexpr std::int64_t slab_entries = std::int64_t{2} << 20;

std::string description(archive::ElementType type, const std::vector<std::int64_t>& shape,
                        const std::vector<std::string>& dimensions) {
  std::string text = concat(archive::name_of(type), " (");
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += concat(i > 0 ? ", " : "", i < dimensions.size() ? dimensions[i] : "", " ", shape[i]);
  }
  return text + ")";
}

/// Whether a dataset of the file is all that the layout knows of it.
bool is_known(const archive::Reader& file, const std::string& path, archive::ElementType type,
              const archive::Values& values) {
  if (!file.has(path) || file.info(path).type != type || !file.info(path).has_values) return false;
  if (const auto* integers = std::get_if<1>(&values)) return file.read_integers(path) == *integers;
  if (const auto* reals = std::get_if<2>(&values)) return file.read_reals(path) == *reals;
  return file.read_texts(path) == std::get<3>(values);
}

template <class T>
void append_as_doubles(std::vector<double>& values, std::span<const std::byte> bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    values.push_back(static_cast<double>(value));
  }
}

std::vector<double> as_doubles(archive::ElementType type, std::span<const std::byte> bytes) {
  std::vector<double> values;
  values.reserve(bytes.size() / static_cast<std::size_t>(archive::size_of(type)));
  if (type == archive::ElementType::float32) append_as_doubles<float>(values, bytes);
  if (type == archive::ElementType::float64) append_as_doubles<double>(values, bytes);
  if (type == archive::ElementType::int32) append_as_doubles<std::int32_t>(values, bytes);
  if (type == archive::ElementType::int64) append_as_doubles<std::int64_t>(values, bytes);
  if (type == archive::ElementType::uint8) append_as_doubles<std::uint8_t>(values, bytes);
  return values;
}

}  // namespace

std::int64_t length_of(const archive::Reader& file, const std::string& scale) {
  return file.has(scale) ? file.info(scale).shape[0] : 0;
}

std::set<std::string> not_computed(const archive::Reader& file) {
  std::set<std::string> paths;
  const std::optional<AttributeValue> value = file.attribute("/", "not_computed");
  if (!value || !std::holds_alternative<std::string>(*value)) return paths;
  std::istringstream lines(std::get<std::string>(*value));
  for (std::string line; std::getline(lines, line);) paths.insert(line.substr(0, line.find(": ")));
  return paths;
}

void FileChecker::tell(bool passed, const std::string& subject, const std::string& seen) {
  all_passed_ = all_passed_ && passed;
  report_({passed, subject, seen});
}

bool FileChecker::take_points(core::PointMap& points) {
  std::string wrong;
  try {
    points = archive::read_points(file_);
    if (file_.attribute("/", "layers") && points.layers() != file_.integer("layers"))
      wrong = concat(points.layers(), " layers, ", file_.integer("layers"), " in the attribute");
  } catch (const core::Error& error) {
    wrong = error.what();
  }
  if (!wrong.empty()) tell(false, "points", wrong);
  return wrong.empty();
}

bool FileChecker::take_layout(const std::function<archive::Layout()>& layout) {
  try {
    layout_ = layout();
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

void FileChecker::check_shapes() {
  for (const Dataset& dataset : layout_.datasets) {
    if (!file_.has(dataset.path)) continue;
    const DatasetInfo& info = file_.info(dataset.path);
    const std::vector<std::int64_t> shape = archive::shape_of(layout_, dataset);
    if (info.type == dataset.type && info.shape == shape && info.has_values) {
      sound_.insert(dataset.path);
    } else {
      tell(false, dataset.path,
           concat("is ", description(info.type, info.shape, info.dimensions), ", not ",
                  description(dataset.type, shape, dataset.dimensions)));
    }
  }
}

bool FileChecker::is_within(const std::string& path, const core::Range& range) {
  if (!has({path})) return true;
  const double least = range.least - range.slack * std::max(1.0, std::abs(range.least));
  const double greatest = range.greatest + range.slack * std::max(1.0, std::abs(range.greatest));
  bool right = true;
  for_slabs(path, [&](std::int64_t first, const std::vector<double>& values) {
    const auto outside =
        std::ranges::find_if(values, [&](double value) { return value < least || value > greatest; });
    if (!right || outside == values.end()) return;
    right = false;
    tell(false, "ranges",
         concat(path, " is ", number_text(*outside), " at ",
                place_text(file_.info(path).shape, first + (outside - values.begin())), "; it goes from ",
                range.least, " to ", range.greatest));
  });
  return right;
}

void FileChecker::check_ranges() {
  std::int64_t tried = 0;
  bool right = true;
  for (const Dataset& dataset : layout_.datasets) {
    if (!dataset.range || !has({dataset.path})) continue;
    ++tried;
    right = is_within(dataset.path, *dataset.range) && right;
  }
  if (right && tried > 0) tell(true, "ranges", concat(tried, " datasets"));
}

void FileChecker::check_known() {
  std::int64_t coordinates = 0, datasets = 0;
  const auto wrong = [&](const char* subject, const std::string& path) {
    tell(false, subject, path + " is not what a file of these sizes has");
  };
  bool right = true;
  for (const archive::Scale& scale : layout_.scales) {
    if (scale.values.index() == 0) continue;
    const std::string path = archive::path_of(scale);
    if (scale.came_later && file_.has(path) && !file_.info(path).has_values) continue;
    ++coordinates;
    if (is_known(file_, path, scale.type, scale.values)) continue;
    right = false;
    wrong("coordinates", path);
  }
  if (right && coordinates > 0) tell(true, "coordinates", concat(coordinates, " as they should be"));
  right = true;
  for (const Dataset& dataset : layout_.datasets) {
    if (dataset.values.index() == 0 || !has({dataset.path})) continue;
    ++datasets;
    if (is_known(file_, dataset.path, dataset.type, dataset.values)) continue;
    right = false;
    wrong("points", dataset.path);
  }
  if (right && datasets > 0) tell(true, "points", "in the model's order");
}

bool FileChecker::has(std::initializer_list<std::string> paths) const {
  return std::ranges::all_of(paths, [&](const std::string& path) { return sound_.contains(path); });
}

std::vector<double> FileChecker::reals(const std::string& path) const {
  return sound_.contains(path) ? file_.read_reals(path) : std::vector<double>();
}

std::vector<double> FileChecker::reals_at(const std::string& path, std::int64_t first) const {
  return sound_.contains(path) ? file_.read_reals(path, first, 1) : std::vector<double>();
}

void FileChecker::for_slabs(const std::string& path, const Work& work) const {
  const DatasetInfo& info = file_.info(path);
  for_lines(path, info.entries() / info.shape[0], work);
}

void FileChecker::for_lines(const std::string& path, std::int64_t line, const Work& work) const {
  const DatasetInfo& info = file_.info(path);
  const std::int64_t size = archive::size_of(info.type);
  const std::int64_t most = std::max<std::int64_t>(1, slab_entries / line) * line;
  std::vector<std::byte> bytes;
  for (std::int64_t first = 0; first < info.entries(); first += most) {
    bytes.resize(static_cast<std::size_t>(std::min(most, info.entries() - first) * size));
    file_.read_stored(path, first * size, bytes);
    work(first, as_doubles(info.type, bytes));
  }
}

std::optional<double> FileChecker::number(const std::string& object, const std::string& name) const {
  const std::optional<AttributeValue> value = file_.attribute(object, name);
  if (!value || std::holds_alternative<std::string>(*value)) return std::nullopt;
  if (const auto* integer = std::get_if<std::int64_t>(&*value)) return static_cast<double>(*integer);
  return std::get<double>(*value);
}

}  // namespace orrery::verify
