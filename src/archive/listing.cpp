#include "listing.hpp"

#include "hdf5_types.hpp"
#include "orrery/core/concat.hpp"

#include <hdf5_hl.h>

#include <algorithm>
#include <array>
#include <limits>

namespace orrery::archive {
namespace {

struct Found {
  std::vector<std::string> datasets;
  std::vector<std::string> groups;
  bool other = false;
};

// Called from C: nothing may be thrown through it except std::bad_alloc, which ends the program anyway.
herr_t collect(hid_t /*root*/, const char* name, const H5O_info_t* info, void* data) {
  auto& found = *static_cast<Found*>(data);
  const std::string path = std::string(name) == "." ? "/" : std::string("/") + name;
  if (info->type == H5O_TYPE_DATASET) {
    found.datasets.push_back(path);
  } else if (info->type == H5O_TYPE_GROUP) {
    found.groups.push_back(path);
  } else {
    found.other = true;
  }
  return 0;
}

herr_t collect_name(hid_t /*object*/, const char* name, const H5A_info_t* /*info*/, void* data) {
  static_cast<std::vector<std::string>*>(data)->emplace_back(name);
  return 0;
}

herr_t take_scale_name(hid_t /*dataset*/, unsigned /*dimension*/, hid_t scale, void* data) {
  std::array<char, 256> path{};
  const ssize_t length = H5Iget_name(scale, path.data(), path.size());
  if (length <= 0 || length >= std::ssize(path)) return 1;
  const std::string text(path.data());
  *static_cast<std::string*>(data) = text.substr(text.rfind('/') + 1);
  return 1;  // the first scale of the dimension is its name
}

std::string text_attribute(hid_t object, const char* name, const Check& check) {
  const std::optional<AttributeValue> value = read_attribute(object, name, check);
  return value && std::holds_alternative<std::string>(*value) ? std::get<std::string>(*value) : std::string();
}

/// Throws unless a dataset's entries are contiguous in the file. Tools that copy a file may rewrite it
/// chunked and compressed, with its numbers intact.
void require_plain_storage(hid_t dataset, const Check& check) {
  const Handle creation = check.own(H5Dget_create_plist(dataset));
  const H5D_layout_t layout = H5Pget_layout(creation.get());
  if (layout == H5D_CONTIGUOUS && H5Pget_external_count(creation.get()) == 0) return;
  const int filters = layout == H5D_CHUNKED ? H5Pget_nfilters(creation.get()) : 0;
  const char* storage = filters > 0                ? "in chunks that are compressed"
                        : layout == H5D_CHUNKED    ? "in chunks"
                        : layout == H5D_COMPACT    ? "in its header"
                        : layout == H5D_CONTIGUOUS ? "in another file"
                                                   : "in a way that orrery does not write";
  throw core::bad_input("the file was stored anew by another program",
                        core::concat(check.seen(), " lies ", storage),
                        "unpack it with `h5repack -f NONE -l CONTI FILE NEW`, and give NEW");
}

/// The shape and its size in bytes.
std::int64_t measure(hid_t dataset, DatasetInfo& info, const Check& check) {
  const Handle space = check.own(H5Dget_space(dataset));
  const int dimensions = check(H5Sget_simple_extent_ndims(space.get()));
  if (dimensions < 1) check.about("no dimensions").fail();
  std::vector<hsize_t> lengths(static_cast<std::size_t>(dimensions));
  check(H5Sget_simple_extent_dims(space.get(), lengths.data(), nullptr));
  std::int64_t bytes = size_of(info.type);
  for (const hsize_t length : lengths) {
    const bool fits = std::in_range<std::int64_t>(length) &&
                      !__builtin_mul_overflow(bytes, static_cast<std::int64_t>(length), &bytes);
    if (!fits || length == 0) check.about("an impossible shape").fail();
    info.shape.push_back(static_cast<std::int64_t>(length));
  }
  return bytes;
}

/// Where a dataset's entries begin in the file, at most at `last`.
std::int64_t place_of(hid_t dataset, std::int64_t last, const Check& check) {
  const haddr_t place = H5Dget_offset(dataset);
  if (place == HADDR_UNDEF || std::cmp_greater(place, last)) check.about("beyond the file's end").fail();
  return static_cast<std::int64_t>(place);
}

DatasetInfo describe(hid_t file, const std::string& path, std::int64_t file_bytes, const Check& check) {
  const Handle dataset = check.own(H5Dopen2(file, path.c_str(), H5P_DEFAULT));
  const Handle stored = check.own(H5Dget_type(dataset.get()));
  const std::optional<ElementType> type = element_type_of(stored.get());
  if (!type) check.about("a type that orrery does not write").fail();
  require_plain_storage(dataset.get(), check);
  DatasetInfo info;
  info.path = path;
  info.type = *type;
  const std::int64_t bytes = measure(dataset.get(), info, check);
  info.is_scale = H5DSis_scale(dataset.get()) > 0;
  H5D_space_status_t room = H5D_SPACE_STATUS_NOT_ALLOCATED;
  check(H5Dget_space_status(dataset.get(), &room));
  info.has_values = room != H5D_SPACE_STATUS_NOT_ALLOCATED;
  if (!info.has_values && !info.is_scale) check.about("nothing was written").fail();
  // A dimension without values is one of a dataset that has them.
  if (bytes / size_of(info.type) > file_bytes) check.about("larger than the file").fail();
  if (info.has_values && (bytes > file_bytes || !std::cmp_equal(H5Dget_storage_size(dataset.get()), bytes))) {
    check.about("larger than the file").fail();
  }
  if (info.has_values) info.offset = place_of(dataset.get(), file_bytes - bytes, check);
  info.long_name = text_attribute(dataset.get(), "long_name", check);
  info.units = text_attribute(dataset.get(), "units", check);
  for (unsigned axis = 0; axis < info.shape.size(); ++axis) {
    std::string name;
    if (!info.is_scale) H5DSiterate_scales(dataset.get(), axis, nullptr, take_scale_name, &name);
    info.dimensions.push_back(info.is_scale ? path.substr(path.rfind('/') + 1) : name);
  }
  H5Eclear2(H5E_DEFAULT);
  return info;
}

}  // namespace

Listing list_contents(hid_t file, std::int64_t file_bytes, const Check& check) {
  Found found;
  check(H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, collect, &found, H5O_INFO_BASIC));
  if (found.other) check.about("a kind of object that orrery does not write").fail();
  std::ranges::sort(found.datasets);
  std::ranges::sort(found.groups);
  Listing listing;
  listing.groups = std::move(found.groups);
  for (const std::string& path : found.datasets) {
    listing.datasets.push_back(describe(file, path, file_bytes, check.about(path)));
  }
  return listing;
}

std::map<std::string, AttributeValue> read_attributes(hid_t file, const std::string& object,
                                                      const Check& check) {
  const Handle opened = check.own(H5Oopen(file, object.c_str(), H5P_DEFAULT));
  std::vector<std::string> names;
  check(H5Aiterate2(opened.get(), H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, collect_name, &names));
  std::map<std::string, AttributeValue> values;
  for (const std::string& name : names) {
    std::optional<AttributeValue> value = read_attribute(opened.get(), name, check);
    if (value) values.emplace(name, std::move(*value));
  }
  return values;
}

}  // namespace orrery::archive
