#include "tests/fuzz/damaged_file.hpp"

#include "orrery/archive/checksum.hpp"
#include "tests/fuzz/whole_file.hpp"

#include <hdf5.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>

namespace orrery::test {
namespace {

constexpr std::size_t step_bytes = 6;

/// What a step may put in place of a number.
constexpr std::array<double, 16> numbers = {
    0, 1, -1, 2, 0.5, 3e9, -3e9, 9007199254740993.0, 1e15, -1e18, 1e38, 1e300, -1e300, 1e-310, INFINITY, NAN};
constexpr std::array<std::int64_t, 16> integers = {0,
                                                   1,
                                                   -1,
                                                   2,
                                                   3,
                                                   5,
                                                   11,
                                                   1000,
                                                   1 << 20,
                                                   std::numeric_limits<std::int32_t>::max(),
                                                   std::int64_t{1} << 31,
                                                   std::int64_t{1} << 40,
                                                   std::int64_t{1} << 61,
                                                   std::numeric_limits<std::int64_t>::max(),
                                                   std::numeric_limits<std::int64_t>::min(),
                                                   -7};
const std::array<std::string, 16> texts = {"",
                                           "x",
                                           "float64",
                                           "[trace]\nmodel = /\nweights = random\n",
                                           "[perturb]\nkinds = ablate\nlayers = 0-99999999\n",
                                           "model = \nweights = random",
                                           "\x1b[31m\r\n\t",
                                           "\xff\xfe\xc0\x80",
                                           "`touch x`$(touch x)'\"\\",
                                           "<script>alert(1)</script>&amp;]]>",
                                           std::string(70'000, 'a'),
                                           "random_direction",
                                           "teleport",
                                           "nan",
                                           "/no/such: because\n/pca: gone",
                                           "-1"};

/// Closes an HDF5 identifier of any kind.
class Id {
 public:
  explicit Id(hid_t id) : id_(id) {}
  ~Id() {
    if (id_ >= 0) H5Idec_ref(id_);
  }
  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
};

struct Step {
  std::uint8_t kind;
  std::size_t object;
  std::uint8_t a, b, c;
};

/// Changes an open file. Calls that fail leave it as it is: steps may name what is gone.
class Damage {
 public:
  Damage(hid_t file, const archive::Layout& layout) : file_(file), layout_(layout) {
    for (const archive::Dataset& dataset : layout.datasets) paths_.push_back(dataset.path);
    for (const archive::Scale& scale : layout.scales) paths_.push_back(archive::path_of(scale));
    objects_ = paths_;
    for (const std::string& group : archive::groups_of(layout)) objects_.push_back(group);
    objects_.emplace_back("/");
  }

  void apply(const Step& step) {
    const std::string& path = paths_[step.object % paths_.size()];
    switch (step.kind % 9) {
      case 0:
        H5Ldelete(file_, objects_[step.object % (objects_.size() - 1)].c_str(), H5P_DEFAULT);
        break;
      case 1:
        remake(path, type_of(step.a), shape_of(path), step.b);
        break;
      case 2:
        remake(path, std::nullopt, bent(shape_of(path), step), step.c);
        break;
      case 3:
        fill(path, step.a, std::nullopt);
        break;
      case 4:
        fill(path, step.a, step.b + 256U * step.c);
        break;
      case 5:
        set_attribute(objects_[step.object % objects_.size()], step);
        break;
      case 6:
        drop_attribute(objects_[step.object % objects_.size()], step.a);
        break;
      case 7:
        make_empty_scale(path, step);
        break;
      default:
        set_root_attribute(step);
    }
  }

  /// Writes the checksums without which nobody goes on from a dataset: a hostile file has them.
  void put_checksums_right() {
    const Id group(H5Gopen2(file_, archive::checksum_group, H5P_DEFAULT));
    if (group < 0) return;
    for (std::string path :
         {"/samples/row", "/samples/token_offset", "/samples/token", "/samples/position", "/pooled/mean",
          "/pooled/component", "/pooled/score_range", "/pca/total_variance"}) {
      const Id dataset(H5Dopen2(file_, path.c_str(), H5P_DEFAULT));
      if (dataset < 0) continue;
      const Id type(H5Dget_type(dataset));
      if (H5Tget_class(type) == H5T_STRING) continue;
      std::vector<std::byte> bytes(H5Dget_storage_size(dataset));
      H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data());
      std::ranges::replace(path, '/', '.');
      const std::string sum = archive::checksum_of(bytes);
      const char* characters = sum.c_str();
      write_scalar(group, path.substr(1).c_str(), text_type(), static_cast<const void*>(&characters));
    }
  }

 private:
  static void write_scalar(hid_t object, const char* name, hid_t type, const void* data) {
    if (H5Aexists(object, name) > 0) H5Adelete(object, name);
    const Id space(H5Screate(H5S_SCALAR));
    const Id attribute(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
    if (attribute >= 0) H5Awrite(attribute, type, data);
  }
  static hid_t type_of(std::uint8_t choice) {
    switch (choice % 7) {
      case 0:
        return H5T_IEEE_F32LE;
      case 1:
        return H5T_IEEE_F64LE;
      case 2:
        return H5T_STD_I32LE;
      case 3:
        return H5T_STD_I64LE;
      case 4:
        return H5T_STD_U8LE;
      case 5:
        return H5T_STD_I16BE;  // none that orrery writes
      default:
        return text_type();
    }
  }
  static hid_t text_type() {
    static const hid_t type = [] {
      const hid_t made = H5Tcopy(H5T_C_S1);
      H5Tset_size(made, H5T_VARIABLE);
      H5Tset_cset(made, H5T_CSET_UTF8);
      return made;
    }();
    return type;
  }

  std::vector<hsize_t> shape_of(const std::string& path) const {
    const Id dataset(H5Dopen2(file_, path.c_str(), H5P_DEFAULT));
    if (dataset < 0) return {1};
    const Id space(H5Dget_space(dataset));
    std::vector<hsize_t> shape(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space))));
    H5Sget_simple_extent_dims(space, shape.data(), nullptr);
    return shape;
  }

  /// The shape with a dimension more, one less, or another length; not large, as the file is to be written.
  static std::vector<hsize_t> bent(std::vector<hsize_t> shape, const Step& step) {
    if (step.a % 8 == 0) {
      shape.push_back(1 + step.b % 3);
    } else if (step.a % 8 == 1 && !shape.empty()) {
      shape.pop_back();
    } else if (step.a % 8 == 2) {
      std::ranges::reverse(shape);
    } else if (!shape.empty()) {
      hsize_t& length = shape[step.a / 8 % shape.size()];
      const std::array<hsize_t, 6> lengths = {1,          2, length + 1, std::max<hsize_t>(length, 2) - 1,
                                              2 * length, 40};
      length = lengths[step.b % lengths.size()];
    }
    return shape;
  }

  /// Makes a dataset again, of that type and shape, with its attributes gone and one number everywhere.
  void remake(const std::string& path, std::optional<hid_t> type, const std::vector<hsize_t>& shape,
              std::uint8_t value) {
    const hsize_t entries = std::accumulate(shape.begin(), shape.end(), hsize_t{1}, std::multiplies<>());
    if (entries > 100'000) return;
    const Id old(H5Dopen2(file_, path.c_str(), H5P_DEFAULT));
    if (old < 0) return;
    const Id old_type(H5Dget_type(old));
    const Id made_type(H5Tcopy(type.value_or(old_type)));
    H5Ldelete(file_, path.c_str(), H5P_DEFAULT);
    const Id space(shape.empty() ? H5Screate(H5S_SCALAR)
                                 : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
    const Id list(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
    const Id made(H5Dcreate2(file_, path.c_str(), made_type, space, H5P_DEFAULT, list, H5P_DEFAULT));
    if (made >= 0) fill(path, value, std::nullopt);
  }

  /// Puts a number, or a text, into all entries or one of them.
  void fill(const std::string& path, std::uint8_t value, std::optional<std::size_t> place) {
    const Id dataset(H5Dopen2(file_, path.c_str(), H5P_DEFAULT));
    if (dataset < 0) return;
    const Id type(H5Dget_type(dataset));
    const Id space(H5Dget_space(dataset));
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    if (count < 1 || count > 100'000) return;
    const auto size = static_cast<std::size_t>(count);
    if (H5Tget_class(type) == H5T_STRING) {
      std::vector<const char*> characters(size, nullptr);
      if (place) H5Dread(dataset, text_type(), H5S_ALL, H5S_ALL, H5P_DEFAULT, characters.data());
      put(characters, texts[value % texts.size()].c_str(), place);
      H5Dwrite(dataset, text_type(), H5S_ALL, H5S_ALL, H5P_DEFAULT, characters.data());
    } else if (H5Tget_class(type) == H5T_FLOAT) {
      std::vector<double> all(size);
      if (place) H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data());
      put(all, numbers[value % numbers.size()], place);
      H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data());
    } else {
      std::vector<std::int64_t> all(size);
      if (place) H5Dread(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data());
      put(all, integers[value % integers.size()], place);
      H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data());
    }
  }

  template <class T>
  static void put(std::vector<T>& all, T value, std::optional<std::size_t> place) {
    if (place) {
      all[*place % all.size()] = value;
    } else {
      std::ranges::fill(all, value);
    }
  }

  void drop_attribute(const std::string& object, std::uint8_t which) {
    const Id opened(H5Oopen(file_, object.c_str(), H5P_DEFAULT));
    H5O_info_t info{};
    if (opened < 0 || H5Oget_info1(opened, &info) < 0 || info.num_attrs == 0) return;
    H5Adelete_by_idx(opened, ".", H5_INDEX_NAME, H5_ITER_INC, which % info.num_attrs, H5P_DEFAULT);
  }

  void set_attribute(const std::string& object, const Step& step) {
    const Id opened(H5Oopen(file_, object.c_str(), H5P_DEFAULT));
    H5O_info_t info{};
    if (opened < 0 || H5Oget_info1(opened, &info) < 0 || info.num_attrs == 0) return;
    std::array<char, 200> name{};
    H5Aget_name_by_idx(opened, ".", H5_INDEX_NAME, H5_ITER_INC, step.a % info.num_attrs, name.data(),
                       name.size(), H5P_DEFAULT);
    write_attribute(opened, name.data(), step.b, step.c);
  }

  void set_root_attribute(const Step& step) {
    const Id root(H5Oopen(file_, "/", H5P_DEFAULT));
    const std::vector<archive::Attribute>& all = layout_.attributes;
    write_attribute(root, all[step.object % all.size()].name.c_str(), step.a, step.b);
  }

  static void write_attribute(hid_t object, const char* name, std::uint8_t kind, std::uint8_t value) {
    if (H5Aexists(object, name) > 0) H5Adelete(object, name);
    const hsize_t three = 3;
    const Id space(kind % 4 == 3 ? H5Screate_simple(1, &three, nullptr) : H5Screate(H5S_SCALAR));
    const auto write = [&](hid_t type, const void* data) {
      const Id attribute(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
      if (attribute >= 0) H5Awrite(attribute, type, data);
    };
    const char* text = texts[value % texts.size()].c_str();
    const std::array<std::int64_t, 3> several = {integers[value % integers.size()], 1, 2};
    if (kind % 4 == 0) write(text_type(), static_cast<const void*>(&text));
    if (kind % 4 == 1) write(H5T_NATIVE_DOUBLE, &numbers[value % numbers.size()]);
    if (kind % 4 >= 2) write(H5T_NATIVE_INT64, several.data());
  }

  /// In place of a dataset, a dimension without values, which may claim to be of any length.
  void make_empty_scale(const std::string& path, const Step& step) {
    std::vector<hsize_t> shape = shape_of(path);
    if (shape.empty()) shape.push_back(1);
    const std::int64_t length = integers[step.a % integers.size()];
    if (length > 0) shape[step.b % shape.size()] = static_cast<hsize_t>(length);
    H5Ldelete(file_, path.c_str(), H5P_DEFAULT);
    const Id space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
    const Id list(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_LATE);
    const Id made(H5Dcreate2(file_, path.c_str(), type_of(step.c), space, H5P_DEFAULT, list, H5P_DEFAULT));
    if (made >= 0) H5DSset_scale(made, nullptr);
  }

  hid_t file_;
  const archive::Layout& layout_;
  std::vector<std::string> paths_, objects_;
};

void damage_objects(const std::filesystem::path& path, std::size_t kind, std::span<const std::uint8_t> steps,
                    bool sums_are_right) {
  const Id file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
  if (file < 0) return;
  Damage damage(file, layout_of(kind));
  for (; steps.size() >= step_bytes; steps = steps.subspan(step_bytes)) {
    damage.apply({steps[0], steps[1] + 256U * steps[2], steps[3], steps[4], steps[5]});
  }
  if (sums_are_right) damage.put_checksums_right();
  H5Eclear2(H5E_DEFAULT);
}

void damage_bytes(const std::filesystem::path& path, std::span<const std::uint8_t> changes) {
  const std::uintmax_t size = std::filesystem::file_size(path);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  for (; changes.size() >= 4; changes = changes.subspan(4)) {
    const std::uintmax_t place = (changes[0] + 256U * changes[1] + 65536U * changes[2]) % size;
    file.seekp(static_cast<std::streamoff>(place));
    file.put(static_cast<char>(changes[3]));
  }
}

}  // namespace

void write_damaged(const std::filesystem::path& path, std::span<const std::uint8_t> recipe) {
  const std::uint8_t head = recipe.empty() ? 0 : recipe[0];
  const std::size_t first = head & 0xfU;
  const auto rest = recipe.subspan(recipe.empty() ? 0 : 1);
  // A new file, not the old one with other bytes: HDF5 may still know that.
  std::filesystem::remove(path);
  if (first >= 2 * file_kinds) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(rest.data()), std::ssize(rest));
    return;
  }
  std::filesystem::copy_file(whole_file(first % file_kinds), path);
  if (first >= file_kinds) return damage_bytes(path, rest);
  damage_objects(path, first, rest.first(std::min(rest.size(), 8 * step_bytes)), head < 0x80U);
}

}  // namespace orrery::test
