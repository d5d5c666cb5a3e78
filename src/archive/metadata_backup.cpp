#include "orrery/archive/metadata_backup.hpp"

#include "block_hash.hpp"
#include "disk.hpp"
#include "on_output.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/core/read_file.hpp"
#include "orrery/text/whole_file.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::archive {
namespace {

/// A copy is these characters, then for each region where it lies and its bytes, then the hash of all that.
constexpr std::string_view mark = "orrery-metadata 1\n";
/// Headers and attributes, some hundred bytes each.
constexpr std::int64_t most_metadata_bytes = std::int64_t{256} << 20;

/// A stretch of the file that holds no entries of datasets.
struct Region {
  std::int64_t offset;
  std::int64_t bytes;
};

std::vector<Region> regions_of(const Reader& file, std::int64_t file_bytes) {
  std::vector<Region> entries;
  for (const DatasetInfo& info : file.datasets()) {
    if (info.has_values && info.bytes() > 0) entries.push_back({info.offset, info.bytes()});
  }
  entries.push_back({file_bytes, 0});
  std::ranges::sort(entries, {}, &Region::offset);
  std::vector<Region> regions;
  std::int64_t place = 0;
  for (const Region& one : entries) {
    if (one.offset > place) regions.push_back({place, one.offset - place});
    place = one.offset + one.bytes;
  }
  return regions;
}

template <class Value>
std::string_view bytes_of(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::uint64_t hash_of(std::string_view bytes) {
  return block_hash(std::as_bytes(std::span(bytes)));
}

/// Cuts a value off the front of `bytes`, which is long enough.
template <class Value>
Value take(std::string_view& bytes) {
  Value value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

}  // namespace

void save_metadata(const std::filesystem::path& file, const std::filesystem::path& copy) {
  std::string kept(mark);
  on_output([&] {
    const core::ReadFile bytes(file);
    for (const Region& region : regions_of(Reader(file, Incomplete::accept, Origin::own), bytes.size())) {
      kept.append(bytes_of(region));
      const std::size_t begin = kept.size();
      kept.resize(begin + static_cast<std::size_t>(region.bytes));
      bytes.read(region.offset, std::as_writable_bytes(std::span(kept).subspan(begin)));
    }
  });
  kept.append(bytes_of(hash_of(kept)));
  replace_file(copy, kept);
}

void restore_metadata(const std::filesystem::path& file, const std::filesystem::path& copy) {
  const std::string kept = text::read_whole_file(copy, most_metadata_bytes);
  const auto require = [&](bool sound) {
    if (!sound) {
      throw core::bad_input("the copy of the file's metadata is damaged", copy.string(),
                            "begin anew with --overwrite");
    }
  };
  std::string_view left = kept;
  require(left.starts_with(mark) && left.size() >= mark.size() + sizeof(std::uint64_t));
  std::string_view end = left.substr(left.size() - sizeof(std::uint64_t));
  left.remove_suffix(end.size());
  require(take<std::uint64_t>(end) == hash_of(left));
  left.remove_prefix(mark.size());
  const std::int64_t file_bytes = core::ReadFile(file).size();
  const Descriptor opened(file, O_WRONLY);
  while (!left.empty()) {
    require(left.size() >= sizeof(Region));
    const auto region = take<Region>(left);
    require(region.bytes >= 0 && region.bytes <= std::ssize(left) && region.offset >= 0 &&
            region.offset <= file_bytes - region.bytes);
    write_at(opened, file, region.offset, left.substr(0, static_cast<std::size_t>(region.bytes)));
    left.remove_prefix(static_cast<std::size_t>(region.bytes));
  }
  sync_to_disk(file);
}

}  // namespace orrery::archive
