#pragma once

#include "orrery/core/dataset.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace orrery::archive {

using core::AttributeValue;
using core::Beginning;
using core::Dataset;
using core::ElementType;
using core::name_of;
using core::size_of;
using core::Values;

/// An attribute of the group or dataset at the absolute path `object` ("/" is the root).
struct Attribute {
  std::string object;
  std::string name;
  AttributeValue value;
};

/// A dimension that datasets share by name: an HDF5 dimension scale. Without values it is what netCDF-4 calls
/// a dimension without a variable, and takes no room in the file.
struct Scale {
  std::string name;
  std::int64_t length = 0;
  std::string long_name;
  std::string units = "1";
  Values values = {};
  ElementType type = ElementType::int64;
  std::string group = "/";  ///< where it lies; a dataset finds it from the same group or one below
  bool came_later = false;  ///< files of earlier versions have its length alone
};

/// The places along a dimension, 0 … length − 1, as its coordinate: so that a reader finds points and steps
/// by their numbers once some were left out.
Scale counted_scale(const char* name, std::int64_t length, const char* long_name);
/// Whether `path` is a scale of which one file may have the coordinate and another, of an earlier version,
/// the length alone: that is no difference.
bool is_counted_scale(const std::string& path);

/// A dataset that a full run has and this one lacks, for the root attribute `not_computed`.
struct Absence {
  std::string path;
  std::string reason;
};

/// A whole file, before any of it exists.
struct Layout {
  std::string format;  ///< "orrery-trace", …
  std::int64_t format_version = 1;
  std::vector<Scale> scales = {};
  std::vector<Dataset> datasets = {};
  std::vector<std::string> groups = {};  ///< those without a dataset, which get attributes later
  std::vector<Attribute> attributes = {};
  std::vector<Absence> absent = {};
};

/// The scale or dataset of that name; throws internal_error where there is none.
const Scale& scale_named(const Layout& layout, const std::string& name);
const Dataset& dataset_named(const Layout& layout, const std::string& path);

/// Takes a dataset out of a layout, with the scales that no other dataset needs, as a layout of its own: for
/// what is known only at the end, even its shape (`append_to_file`).
Layout split_off(Layout& layout, const std::string& path);

/// Where the scale lies: "/sample".
std::string path_of(const Scale& scale);

/// Every group of the file but the root, "/a" before "/a/b": those named, and those that something lies in.
std::set<std::string> groups_of(const Layout& layout);

/// Lengths of the dataset's dimensions, slowest first.
std::vector<std::int64_t> shape_of(const Layout& layout, const Dataset& dataset);

/// Moves the dataset `path`, or all that lie in a group of that name, to `absent`.
void leave_out(Layout& layout, const std::string& path, const std::string& reason);

/// Moves each dataset that has a dimension of length 0 to `absent`, and drops the scales of that length.
void leave_out_empty(Layout& layout);

/// Throws internal_error where the layout would not open as labelled arrays: a name taken twice, an unknown
/// scale or one used twice by a dataset, a dataset named as a dimension it has, a group named as a scale, a
/// length below 1, values that don't fill their dataset.
void validate(const Layout& layout);

/// Whether an attribute tells of the run rather than of its numbers: two runs that give the same numbers may
/// differ in it. Those of /timing and /checksum, and of the root: time, place, ranks, build, command, paths,
/// `config` (some of its options count, see verify::compare_files) and `complete`.
bool tells_of_run(const std::string& object, const std::string& attribute);

/// Whether files of earlier versions of the program lack an attribute: that one of two files lacks it is no
/// difference.
bool came_later(const std::string& object, const std::string& attribute);

/// Bytes of all arrays, without HDF5's own. `file_bytes` (file_builder.hpp) counts those too.
std::int64_t data_bytes(const Layout& layout);

}  // namespace orrery::archive
