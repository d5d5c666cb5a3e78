#include "orrery/archive/file_builder.hpp"

#include "disk.hpp"
#include "hdf5_handle.hpp"
#include "hdf5_types.hpp"
#include "orrery/core/concat.hpp"

#include <hdf5_hl.h>

#include <algorithm>
#include <map>

namespace orrery::archive {
namespace {

/// Whether space for arrays is allocated when they are created, or when they are written.
enum class Room { at_once, when_written };

/// Creates what a layout describes in an open file; datasets stay open until all exist.
class Builder {
 public:
  Builder(hid_t file, const Layout& layout, Room room, Check check)
      : file_(file), layout_(layout), room_(room), check_(std::move(check)) {}

  void build() {
    make_groups();
    add();
    write_attributes();
  }

  void add() {
    for (const Scale& scale : layout_.scales) make_scale(scale);
    for (const Dataset& dataset : layout_.datasets) make_dataset(dataset);
  }

 private:
  Handle creation(hid_t kind) const {
    Handle list = check_.own(H5Pcreate(kind));
    // Timestamps would make two files of the same run differ.
    check_(H5Pset_obj_track_times(list.get(), false));
    return list;
  }

  void make_groups() const {
    const Handle list = creation(H5P_GROUP_CREATE);
    for (const std::string& path : groups_of(layout_)) {
      check_.about(path).own(H5Gcreate2(file_, path.c_str(), H5P_DEFAULT, list.get(), H5P_DEFAULT));
    }
  }

  Handle make_array(const std::string& path, ElementType type, const std::vector<std::int64_t>& shape,
                    const Values& values, Room room) const {
    const Check check = check_.about(path);
    const Handle list = creation(H5P_DATASET_CREATE);
    check(H5Pset_layout(list.get(), H5D_CONTIGUOUS));
    check(H5Pset_alloc_time(list.get(), room == Room::at_once ? H5D_ALLOC_TIME_EARLY : H5D_ALLOC_TIME_LATE));
    // Text needs its references initialised; a dimension without values reads as zeros.
    if (type != ElementType::text && room == Room::at_once) {
      check(H5Pset_fill_time(list.get(), H5D_FILL_TIME_NEVER));
    }
    const Handle stored = file_type(type);
    const Handle space = make_space(shape);
    Handle made = check.own(
        H5Dcreate2(file_, path.c_str(), stored.get(), space.get(), H5P_DEFAULT, list.get(), H5P_DEFAULT));
    write_values(made.get(), values, check);
    return made;
  }

  static void write_values(hid_t dataset, const Values& values, const Check& check) {
    const auto write = [&](hid_t memory, const void* data) {
      check(H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
    };
    if (const auto* integers = std::get_if<1>(&values)) write(H5T_NATIVE_INT64, integers->data());
    if (const auto* reals = std::get_if<2>(&values)) write(H5T_NATIVE_DOUBLE, reals->data());
    if (const auto* strings = std::get_if<3>(&values)) {
      std::vector<const char*> characters;
      for (const std::string& text : *strings) characters.push_back(text.c_str());
      write(file_type(ElementType::text).get(), static_cast<const void*>(characters.data()));
    }
  }

  void describe(const Handle& object, const std::string& long_name, const std::string& units,
                const std::string& path) const {
    write_attribute(object.get(), "long_name", long_name, check_.about(path));
    write_attribute(object.get(), "units", units, check_.about(path));
  }

  void make_scale(const Scale& scale) {
    const std::string path = path_of(scale);
    const bool bare = std::holds_alternative<std::monostate>(scale.values);
    Handle made = make_array(path, bare ? ElementType::int32 : scale.type, {scale.length}, scale.values,
                             bare ? Room::when_written : room_);
    describe(made, scale.long_name, scale.units, path);
    // netCDF-4's mark of a dimension without a variable, its length in ten places: xarray shows none then.
    std::string length = std::to_string(scale.length);
    length.insert(0, 10 - std::min<std::size_t>(length.size(), 10), ' ');
    const std::string name =
        bare ? "This is a netCDF dimension but not a netCDF variable." + length : scale.name;
    check_.about(path)(H5DSset_scale(made.get(), name.c_str()));
    scales_.emplace(scale.name, std::move(made));
  }

  void make_dataset(const Dataset& dataset) const {
    const Check check = check_.about(dataset.path);
    const Handle made =
        make_array(dataset.path, dataset.type, shape_of(layout_, dataset), dataset.values, room_);
    describe(made, dataset.long_name, dataset.units, dataset.path);
    const auto say_where = [&](const char* name, const std::string& where) {
      if (!where.empty()) write_attribute(made.get(), name, where, check);
    };
    say_where("nan_where", dataset.nan_where);
    say_where("infinite_where", dataset.infinite_where);
    for (const auto& [name, value] : dataset.attributes) write_attribute(made.get(), name, value, check);
    unsigned place = 0;
    for (const std::string& dimension : dataset.dimensions) {
      check(H5DSattach_scale(made.get(), scales_.at(dimension).get(), place++));
    }
  }

  void write_attributes() const {
    const Handle root = check_.own(H5Oopen(file_, "/", H5P_DEFAULT));
    write_attribute(root.get(), "complete", std::int64_t{0}, check_);
    write_attribute(root.get(), "format", layout_.format, check_);
    write_attribute(root.get(), "format_version", layout_.format_version, check_);
    std::string absent;
    for (const Absence& absence : layout_.absent) {
      absent += (absent.empty() ? "" : "\n") + absence.path + ": " + absence.reason;
    }
    write_attribute(root.get(), "not_computed", absent, check_);
    for (const Attribute& attribute : layout_.attributes) {
      const Check check = check_.about(attribute.object + " " + attribute.name);
      const Handle object = check.own(H5Oopen(file_, attribute.object.c_str(), H5P_DEFAULT));
      write_attribute(object.get(), attribute.name, attribute.value, check);
    }
  }

  hid_t file_;
  const Layout& layout_;
  Room room_;
  Check check_;
  std::map<std::string, Handle> scales_;
};

Handle create(const std::string& path, const Handle& access, const Check& check) {
  const Handle list = check.own(H5Pcreate(H5P_FILE_CREATE));
  check(H5Pset_obj_track_times(list.get(), false));
  return check.own(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, list.get(), access.get()));
}

}  // namespace

void build_file(const std::filesystem::path& path, const Layout& layout) {
  // A close that fails leaves HDF5 in a state that crashes at exit, so a full disk must show before.
  make_empty_file(path, file_bytes(layout));
  const Check check(core::ExitCode::io, "the output file can't be made", path.string());
  Handle file = create(path.string(), serial_access(path, Use::write), check);
  Builder(file.get(), layout, Room::at_once, check).build();
  check.close_file(file);
}

void append_to_file(const std::filesystem::path& path, const Layout& more) {
  const Check check(core::ExitCode::io, "the output file can't be finished", path.string());
  Handle file = check.own(H5Fopen(path.c_str(), H5F_ACC_RDWR, serial_access(path, Use::write).get()));
  Builder(file.get(), more, Room::at_once, check).add();
  check.close_file(file);
}

std::int64_t file_bytes(const Layout& layout) {
  validate(layout);
  const Check check(core::ExitCode::internal, "a file's size can't be told", layout.format);
  const Handle access = serial_access();
  check(H5Pset_fapl_core(access.get(), /*increment=*/512, /*backing_store=*/false));
  const Handle file = create("size.h5", access, check);
  Builder(file.get(), layout, Room::when_written, check).build();
  check(H5Fflush(file.get(), H5F_SCOPE_LOCAL));
  hsize_t metadata = 0;
  check(H5Fget_filesize(file.get(), &metadata));
  // Values that are known beforehand have been written, and are counted in this size.
  Layout rest = layout;
  std::erase_if(rest.datasets, [](const Dataset& dataset) { return dataset.values.index() != 0; });
  rest.scales = layout.scales;
  for (Scale& scale : rest.scales) scale.values = {};
  return static_cast<std::int64_t>(metadata) + data_bytes(rest);
}

}  // namespace orrery::archive
