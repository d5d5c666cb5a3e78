#include "orrery/archive/reader.hpp"

#include "hdf5_handle.hpp"
#include "hdf5_types.hpp"
#include "listing.hpp"
#include "orrery/archive/sweep_layout.hpp"
#include "orrery/archive/trace_layout.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/read_file.hpp"
#include "orrery/text/file_kind.hpp"
#include "survival.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <numeric>

namespace orrery::archive {
namespace {

/// The newest version of each format that is known.
std::map<std::string, std::int64_t>& known_formats() {
  static std::map<std::string, std::int64_t> formats = {{trace_format, trace_format_version},
                                                        {sweep_format, sweep_format_version}};
  return formats;
}

/// Ample for the texts of any of our files, each of which lies in it once and is copied twice on its way; a
/// damaged one may have the library go round in circles, taking memory at each turn.
Limits probe_limits(std::int64_t file_bytes) {
  return {3, 4 * file_bytes + (std::int64_t{256} << 20)};
}

[[noreturn]] void refuse(const std::string& problem, const std::string& seen, const std::string& advice) {
  throw core::bad_input(problem, seen, advice);
}

}  // namespace

AddedFormat::AddedFormat(const std::string& name, std::int64_t newest_version) {
  known_formats().emplace(name, newest_version);
}

std::int64_t DatasetInfo::entries() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

using Attributes = std::map<std::string, AttributeValue>;

/// What was read, or why it couldn't be.
template <class Value>
struct Attempt {
  Value value;
  std::exception_ptr failure;

  template <class Read>
  explicit Attempt(Read read) {
    try {
      value = read();
    } catch (const core::Error&) {
      failure = std::current_exception();
    }
  }
  const Value& get() const {
    if (failure) std::rethrow_exception(failure);
    return value;
  }
};

struct Reader::File {
  std::string path;
  Handle handle;
  std::optional<core::ReadFile> stored;
  std::int64_t bytes = 0;
  std::map<std::string, Attempt<Attributes>> attributes;           // of each group and dataset
  std::map<std::string, Attempt<std::vector<std::string>>> texts;  // of each dataset of texts

  Check check(const std::string& object) const {
    return {core::ExitCode::bad_input, "the file can't be read", path + ", " + object};
  }

  /// Reads rows `first` … of a dataset as `memory`, of `width` bytes an entry.
  void read_rows(const DatasetInfo& info, hid_t memory, std::int64_t first, std::int64_t count,
                 void* values) const {
    const Check check = this->check(info.path);
    const Handle dataset = check.own(H5Dopen2(handle.get(), info.path.c_str(), H5P_DEFAULT));
    const Handle space = check.own(H5Dget_space(dataset.get()));
    std::vector<std::int64_t> shape = info.shape;
    shape[0] = count;
    const Handle target = make_space(shape);
    std::vector<hsize_t> offset{static_cast<hsize_t>(first)};
    offset.resize(shape.size(), 0);
    const std::vector<hsize_t> counts(shape.begin(), shape.end());
    check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, offset.data(), nullptr, counts.data(), nullptr));
    check(H5Dread(dataset.get(), memory, target.get(), space.get(), H5P_DEFAULT, values));
  }

  /// How many entries those rows have. No overflow: `list_contents` held the whole against the file's size.
  std::size_t entries(const DatasetInfo& info, std::int64_t first, std::int64_t count) const {
    if (!info.has_values)
      refuse("a dimension without values can't be read", path + ", " + info.path, "take its length");
    if (first < 0 || count < 0 || count > info.shape[0] || first > info.shape[0] - count) {
      throw core::internal_error("rows outside a dataset",
                                 core::concat(info.path, ": ", first, " and ", count, " more"),
                                 "please report it with the command line");
    }
    std::int64_t number = count;
    for (std::size_t i = 1; i < info.shape.size(); ++i) number *= info.shape[i];
    return static_cast<std::size_t>(number);
  }

  void try_attributes(const std::string& object) {
    attributes.try_emplace(object, [&] { return read_attributes(handle.get(), object, check(object)); });
  }

  const Attributes& attributes_of(const std::string& object) const {
    const auto found = attributes.find(object);
    if (found == attributes.end()) {
      refuse("the file has no such group or dataset", path + ", " + object,
             "`orrery inspect` lists what it has");
    }
    return found->second.get();
  }

  void try_texts(const DatasetInfo& info) {
    texts.try_emplace(info.path, [&] { return read_texts(info); });
  }

  std::vector<std::string> read_texts(const DatasetInfo& info) const {
    const std::size_t number = entries(info, 0, info.shape[0]);
    const Check check = this->check(info.path);
    const Handle dataset = check.own(H5Dopen2(handle.get(), info.path.c_str(), H5P_DEFAULT));
    const Handle space = check.own(H5Dget_space(dataset.get()));
    const Handle type = file_type(ElementType::text);
    // Many entries may point at the same long text: ask how much it comes to before it is read.
    hsize_t needed = 0;
    check(H5Dvlen_get_buf_size(dataset.get(), type.get(), space.get(), &needed));
    if (std::cmp_greater(needed, bytes)) check.about("texts larger than the file").fail();
    std::vector<char*> characters(number, nullptr);
    check(H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, characters.data()));
    std::vector<std::string> read;
    for (const char* text : characters) read.emplace_back(text == nullptr ? "" : text);
    H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, characters.data());
    return read;
  }

  void demand(bool fits, const DatasetInfo& info, const char* wanted) const {
    if (fits) return;
    refuse("a dataset has an unexpected type",
           core::concat(path, ", ", info.path, ": ", name_of(info.type), ", not ", wanted),
           "make the file again with this version");
  }
};

Reader::Reader(const std::filesystem::path& path, Incomplete incomplete, Origin origin)
    : file_(std::make_unique<File>()) {
  file_->path = path.string();
  std::error_code failure;
  if (!std::filesystem::is_regular_file(path, failure)) {
    refuse("no such file", path.string(), "give the path of a file that orrery wrote");
  }
  // HDF5 says of a file that can't be opened or read that it is none of its own.
  file_->stored.emplace(path);
  file_->bytes = file_->stored->size();
  std::array<std::byte, 1> first{};
  if (file_->bytes > 0) file_->stored->read(0, first);
  // HDF5 1.10 trusts some of the lengths and places in a file, of texts above all, and crashes on a damaged
  // one. So a child reads all but the numbers first. Where a wrong place leads depends on what the process
  // did before: hence the same is read here in the same order, at once, and never again.
  const auto read_all = [&] { open(incomplete), read_all_texts(); };
  const auto read_and_close = [&] {
    try {
      read_all();
    } catch (const core::Error&) {
      // Thrown again below.
    }
    file_->handle = Handle();  // where it may crash, too
  };
  if (origin == Origin::unknown && !survives(read_and_close, probe_limits(file_->bytes)))
    refuse("the file is damaged", path.string() + ": HDF5 crashes on it", "make it again, or give another");
  read_all();
}

void Reader::open(Incomplete incomplete) {
  const Handle access = serial_access(file_->path, Use::read);
  if (H5Fis_hdf5(file_->path.c_str()) <= 0) {
    H5Eclear2(H5E_DEFAULT);
    refuse_other_kind();
  }
  const Check check = file_->check("/");
  file_->handle = check.own(H5Fopen(file_->path.c_str(), H5F_ACC_RDONLY, access.get()));
  check_format(incomplete);
  Listing listing = list_contents(file_->handle.get(), file_->bytes, check);
  datasets_ = std::move(listing.datasets);
  groups_ = std::move(listing.groups);
}

void Reader::refuse_other_kind() const {
  std::string first(std::min<std::size_t>(static_cast<std::size_t>(file_->bytes), text::file_kind_bytes),
                    '\0');
  file_->stored->read(0, std::as_writable_bytes(std::span(first)));
  const std::optional<text::FileKind> kind = text::file_kind(first);
  if (kind) refuse("not an HDF5 file", file_->path + " is " + kind->name, kind->advice);
  refuse("not an HDF5 file", file_->path, "give a file that orrery wrote");
}

void Reader::read_all_texts() {
  for (const std::string& group : groups_) file_->try_attributes(group);
  for (const DatasetInfo& dataset : datasets_) {
    file_->try_attributes(dataset.path);
    if (dataset.type == ElementType::text) file_->try_texts(dataset);
  }
}

const std::string& Reader::path() const {
  return file_->path;
}

Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;

void Reader::check_format(Incomplete incomplete) {
  const Check check = file_->check("/");
  const Handle root = check.own(H5Oopen(file_->handle.get(), "/", H5P_DEFAULT));
  const std::optional<AttributeValue> name = read_attribute(root.get(), "format", check);
  const std::optional<AttributeValue> version = read_attribute(root.get(), "format_version", check);
  const std::optional<AttributeValue> complete = read_attribute(root.get(), "complete", check);
  const auto* text = name ? std::get_if<std::string>(&*name) : nullptr;
  const auto* number = version ? std::get_if<std::int64_t>(&*version) : nullptr;
  if (text == nullptr || number == nullptr || !text->starts_with("orrery-")) {
    refuse("an HDF5 file, but not one of orrery's", file_->path, "give a file that orrery wrote");
  }
  format_ = *text;
  const auto known = known_formats().find(format_);
  if (known == known_formats().end() || *number > known->second || *number < 1) {
    refuse("the file's format is not known to this version",
           core::concat(file_->path, ": ", format_, " ", *number), "read it with a newer orrery");
  }
  complete_ = complete == AttributeValue(std::int64_t{1});
  if (!complete_ && incomplete == Incomplete::refuse) {
    refuse("the file is not complete", file_->path + ": its run did not end", "run it again");
  }
}

bool Reader::has(const std::string& path) const {
  return std::ranges::find(datasets_, path, &DatasetInfo::path) != datasets_.end();
}

const DatasetInfo& Reader::info(const std::string& path) const {
  const auto found = std::ranges::find(datasets_, path, &DatasetInfo::path);
  if (found == datasets_.end()) {
    refuse("the file has no such dataset", file_->path + ", " + path, "`orrery inspect` lists what it has");
  }
  return *found;
}

std::vector<double> Reader::read_reals(const std::string& path) const {
  return read_reals(path, 0, info(path).shape[0]);
}

std::vector<double> Reader::read_reals(const std::string& path, std::int64_t first,
                                       std::int64_t count) const {
  const DatasetInfo& described = info(path);
  file_->demand(described.type != ElementType::text, described, "numbers");
  std::vector<double> values(file_->entries(described, first, count));
  file_->read_rows(described, H5T_NATIVE_DOUBLE, first, count, values.data());
  return values;
}

std::vector<std::int64_t> Reader::read_integers(const std::string& path) const {
  const DatasetInfo& described = info(path);
  const bool integers = described.type == ElementType::int32 || described.type == ElementType::int64 ||
                        described.type == ElementType::uint8;
  file_->demand(integers, described, "integers");
  std::vector<std::int64_t> values(file_->entries(described, 0, described.shape[0]));
  file_->read_rows(described, H5T_NATIVE_INT64, 0, described.shape[0], values.data());
  return values;
}

std::vector<std::byte> Reader::read_bytes(const std::string& path, std::int64_t first,
                                          std::int64_t count) const {
  const DatasetInfo& described = info(path);
  file_->demand(described.type != ElementType::text, described, "numbers");
  std::vector<std::byte> bytes(file_->entries(described, first, count) *
                               static_cast<std::size_t>(size_of(described.type)));
  file_->read_rows(described, file_type(described.type).get(), first, count, bytes.data());
  return bytes;
}

void Reader::read_stored(const std::string& path, std::int64_t first, std::span<std::byte> into) const {
  const DatasetInfo& described = info(path);
  file_->demand(described.type != ElementType::text, described, "numbers");
  file_->entries(described, 0, described.shape[0]);
  if (first < 0 || first > described.bytes() || std::ssize(into) > described.bytes() - first) {
    throw core::internal_error("bytes outside a dataset",
                               core::concat(path, ": ", first, " and ", into.size(), " more"),
                               "please report it with the command line");
  }
  file_->stored->read(described.offset + first, into);
}

std::vector<std::string> Reader::read_texts(const std::string& path) const {
  const DatasetInfo& described = info(path);
  file_->demand(described.type == ElementType::text, described, "text");
  return file_->texts.at(path).get();
}

std::vector<std::string> Reader::attribute_names(const std::string& object) const {
  std::vector<std::string> names;
  for (const auto& [name, value] : file_->attributes_of(object)) names.push_back(name);
  return names;
}

std::optional<AttributeValue> Reader::attribute(const std::string& object, const std::string& name) const {
  const auto& attributes = file_->attributes_of(object);
  const auto found = attributes.find(name);
  return found == attributes.end() ? std::nullopt : std::optional(found->second);
}

std::string Reader::text(const std::string& name) const {
  const std::optional<AttributeValue> value = attribute("/", name);
  if (value && std::holds_alternative<std::string>(*value)) return std::get<std::string>(*value);
  refuse("the file lacks an attribute", file_->path + ", " + name, "make it again with this version");
}

std::int64_t Reader::integer(const std::string& name) const {
  const std::optional<AttributeValue> value = attribute("/", name);
  if (value && std::holds_alternative<std::int64_t>(*value)) return std::get<std::int64_t>(*value);
  refuse("the file lacks an attribute", file_->path + ", " + name, "make it again with this version");
}

}  // namespace orrery::archive
