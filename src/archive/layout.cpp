#include "orrery/archive/layout.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <set>
#include <string_view>

namespace orrery::archive {
namespace {

[[noreturn]] void refuse(const std::string& problem, const std::string& seen) {
  throw core::internal_error("a file's layout does not hold together: " + problem, seen,
                             "please report it with the command line");
}

std::int64_t elements(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t length : shape) {
    if (__builtin_mul_overflow(count, length, &count)) {
      throw core::usage_error("a dataset would be too large to exist",
                              core::concat(length, " along one dimension"),
                              "use fewer samples, or --store none");
    }
  }
  return count;
}

void check_absolute(const std::string& path, const std::string& what) {
  const bool root = path == "/";
  if (path.empty() || path[0] != '/' || (path.back() == '/' && !root))
    refuse("a path that is not absolute", what);
}

void check_values(const Values& values, ElementType type, std::int64_t count, const std::string& name) {
  const bool text = std::holds_alternative<std::vector<std::string>>(values);
  const bool none = std::holds_alternative<std::monostate>(values);
  if (!none && text != (type == ElementType::text)) refuse("values of another type than their dataset", name);
  std::int64_t given = count;
  if (const auto* integers = std::get_if<1>(&values)) given = std::ssize(*integers);
  if (const auto* reals = std::get_if<2>(&values)) given = std::ssize(*reals);
  if (const auto* strings = std::get_if<3>(&values)) given = std::ssize(*strings);
  if (given != count)
    refuse("values that don't fill their dataset", core::concat(name, ": ", given, " for ", count));
}

void check_scales(const Layout& layout, std::set<std::string>& paths) {
  std::set<std::string> names;
  for (const Scale& scale : layout.scales) {
    check_absolute(scale.group, scale.name);
    if (scale.name.empty() || scale.name.find('/') != std::string::npos) refuse("a scale's name", scale.name);
    if (!names.insert(scale.name).second) refuse("two scales of one name", scale.name);
    if (scale.length < 1) refuse("a scale without length", scale.name);
    if (scale.long_name.empty() || scale.units.empty())
      refuse("a scale without long_name or units", scale.name);
    check_values(scale.values, scale.type, scale.length, scale.name);
    paths.insert(path_of(scale));
  }
  for (const std::string& group : groups_of(layout)) {
    // xarray would take the group's name for the dimension's.
    if (names.contains(group.substr(group.rfind('/') + 1))) refuse("a group named as a scale", group);
    if (!paths.insert(group).second) refuse("two things of one name", group);
  }
}

void check_dataset(const Layout& layout, const Dataset& dataset) {
  const std::string& path = dataset.path;
  if (dataset.long_name.empty() || dataset.units.empty())
    refuse("a dataset without long_name or units", path);
  if (dataset.dimensions.empty()) refuse("a dataset without dimensions", path);
  if (std::set<std::string>(dataset.dimensions.begin(), dataset.dimensions.end()).size() !=
      dataset.dimensions.size()) {
    refuse("a dataset that has one dimension twice", path);
  }
  for (const std::string& dimension : dataset.dimensions) {
    const Scale& scale = scale_named(layout, dimension);
    if (path.substr(path.rfind('/') + 1) == dimension) refuse("a dataset named as a dimension it has", path);
    const std::string folder = scale.group == "/" ? "/" : scale.group + "/";
    if (!path.starts_with(folder)) refuse("a dataset that can't see its scale", path + ", " + dimension);
  }
  const bool known = !std::holds_alternative<std::monostate>(dataset.values);
  if (dataset.type == ElementType::text && !known) refuse("text without values", path);
  check_values(dataset.values, dataset.type, elements(shape_of(layout, dataset)), path);
}

}  // namespace

const Scale& scale_named(const Layout& layout, const std::string& name) {
  const auto found = std::ranges::find(layout.scales, name, &Scale::name);
  if (found == layout.scales.end()) refuse("no such scale", name);
  return *found;
}

const Dataset& dataset_named(const Layout& layout, const std::string& path) {
  const auto found = std::ranges::find(layout.datasets, path, &Dataset::path);
  if (found == layout.datasets.end()) refuse("no such dataset", path);
  return *found;
}

std::string path_of(const Scale& scale) {
  return (scale.group == "/" ? "" : scale.group) + "/" + scale.name;
}

std::set<std::string> groups_of(const Layout& layout) {
  std::set<std::string> groups;
  const auto add = [&](std::string path) {
    for (; path.size() > 1; path.resize(path.rfind('/'))) groups.insert(path);
  };
  for (const Dataset& dataset : layout.datasets) add(dataset.path.substr(0, dataset.path.rfind('/')));
  for (const Scale& scale : layout.scales) add(scale.group);
  for (const std::string& group : layout.groups) add(group);
  return groups;
}

std::vector<std::int64_t> shape_of(const Layout& layout, const Dataset& dataset) {
  std::vector<std::int64_t> shape;
  for (const std::string& dimension : dataset.dimensions)
    shape.push_back(scale_named(layout, dimension).length);
  return shape;
}

void leave_out(Layout& layout, const std::string& path, const std::string& reason) {
  std::erase_if(layout.datasets, [&](const Dataset& dataset) {
    if (dataset.path != path && !dataset.path.starts_with(path + "/")) return false;
    layout.absent.push_back({dataset.path, reason});
    return true;
  });
}

void leave_out_empty(Layout& layout) {
  std::erase_if(layout.datasets, [&](const Dataset& dataset) {
    for (const std::string& dimension : dataset.dimensions) {
      if (scale_named(layout, dimension).length >= 1) continue;
      layout.absent.push_back({dataset.path, "its dimension " + dimension + " has no entry in this run"});
      return true;
    }
    return false;
  });
  std::erase_if(layout.scales, [](const Scale& scale) { return scale.length < 1; });
}

Layout split_off(Layout& layout, const std::string& path) {
  Layout part{.format = layout.format, .format_version = layout.format_version};
  part.datasets.push_back(dataset_named(layout, path));
  std::erase_if(layout.datasets, [&](const Dataset& dataset) { return dataset.path == path; });
  for (const std::string& name : part.datasets.front().dimensions) {
    const bool shared = std::ranges::any_of(layout.datasets, [&](const Dataset& dataset) {
      return std::ranges::find(dataset.dimensions, name) != dataset.dimensions.end();
    });
    part.scales.push_back(scale_named(layout, name));
    if (!shared) std::erase_if(layout.scales, [&](const Scale& scale) { return scale.name == name; });
  }
  return part;
}

void validate(const Layout& layout) {
  std::set<std::string> paths;
  for (const Dataset& dataset : layout.datasets) check_absolute(dataset.path, dataset.path);
  for (const std::string& group : layout.groups) check_absolute(group, group);
  check_scales(layout, paths);
  for (const Dataset& dataset : layout.datasets) {
    check_dataset(layout, dataset);
    if (!paths.insert(dataset.path).second) refuse("two things of one name", dataset.path);
  }
  for (const Attribute& attribute : layout.attributes) {
    if (attribute.object != "/" && !paths.contains(attribute.object)) {
      refuse("an attribute of nothing", attribute.object + ", " + attribute.name);
    }
  }
}

bool tells_of_run(const std::string& object, const std::string& attribute) {
  constexpr std::array<std::string_view, 15> of_root = {
      "command",  "complete", "config",    "corpus_name", "created_utc",  "devices", "git_commit", "hosts",
      "job_gpus", "job_id",   "libraries", "model_name",  "prompts_name", "ranks",   "threads"};
  if (object == "/") return std::ranges::find(of_root, attribute) != of_root.end();
  return object == "/checksum" || object == "/timing" || object.starts_with("/timing/");
}

Scale counted_scale(const char* name, std::int64_t length, const char* long_name) {
  std::vector<std::int64_t> places(static_cast<std::size_t>(std::max<std::int64_t>(length, 0)));
  std::iota(places.begin(), places.end(), std::int64_t{0});
  return {.name = name,
          .length = length,
          .long_name = long_name,
          .values = std::move(places),
          .came_later = true};
}

bool is_counted_scale(const std::string& path) {
  return path == "/point" || path == "/step";
}

bool came_later(const std::string& object, const std::string& attribute) {
  return (object == "/samples" && (attribute == "leading" || attribute == "trailing")) ||
         (object == "/" && attribute == "config_unread");
}

std::int64_t data_bytes(const Layout& layout) {
  std::int64_t bytes = 0;
  for (const Scale& scale : layout.scales) {
    if (!std::holds_alternative<std::monostate>(scale.values)) bytes += scale.length * size_of(scale.type);
  }
  for (const Dataset& dataset : layout.datasets) {
    std::vector<std::int64_t> shape = shape_of(layout, dataset);
    shape.push_back(size_of(dataset.type));
    bytes += elements(shape);
  }
  return bytes;
}

}  // namespace orrery::archive
