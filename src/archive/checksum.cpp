#include "orrery/archive/checksum.hpp"

#include "block_hash.hpp"
#include "on_output.hpp"
#include "orrery/archive/finish.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/hex.hpp"
#include "orrery/core/read_file.hpp"
#include "orrery/parallel/agreement.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <sstream>

namespace orrery::archive {
namespace {

std::string digits_of(std::uint64_t bits) {
  return core::hex(bits, 16);
}

std::string name_of_checksum(const std::string& path) {
  std::string name = path.substr(1);
  std::ranges::replace(name, '/', '.');
  return name;
}

std::string text_of(const AttributeValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return core::concat("t", *text);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return core::concat("i", *integer);
  return core::concat("r", digits_of(std::bit_cast<std::uint64_t>(std::get<double>(value))));
}

/// A block of a dataset, where it lies in the file.
struct Block {
  std::int64_t offset;
  std::int64_t bytes;
};

std::vector<Block> blocks_of(const Reader& file) {
  std::vector<Block> blocks;
  for (const DatasetInfo& info : file.datasets()) {
    if (!has_checksum(info) || info.type == ElementType::text) continue;
    for (std::int64_t first = 0; first < info.bytes(); first += checksum_block_bytes) {
      blocks.push_back({info.offset + first, std::min(checksum_block_bytes, info.bytes() - first)});
    }
  }
  return blocks;
}

/// The attributes to write: `hashes` are those of the file's blocks, in order.
std::vector<Attribute> attributes_of(const Reader& file, const std::vector<std::uint64_t>& hashes) {
  std::vector<Attribute> attributes = {
      {checksum_group, "algorithm",
       "XXH64, seed 0, of each block of a dataset's bytes as they lie in the file: row-major, little-endian"},
      {checksum_group, "block_bytes", checksum_block_bytes},
      {checksum_group, "attributes", checksum_of_attributes(file)}};
  std::size_t next = 0;
  for (const DatasetInfo& info : file.datasets()) {
    if (!has_checksum(info)) continue;
    std::string text;
    if (info.type == ElementType::text) {
      text = checksum_of(file.read_texts(info.path));
    } else {
      for (std::int64_t first = 0; first < info.bytes(); first += checksum_block_bytes) {
        text.append(first == 0 ? "" : " ").append(digits_of(hashes[next++]));
      }
    }
    attributes.push_back({checksum_group, name_of_checksum(info.path), std::move(text)});
  }
  return attributes;
}

}  // namespace

std::string checksum_of(std::span<const std::byte> block) {
  return digits_of(block_hash(block));
}

std::string checksum_of(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all.append(text).push_back('\0');
  return checksum_of(std::as_bytes(std::span(all)));
}

std::string checksum_of_attributes(const Reader& file) {
  std::vector<std::string> objects = file.groups();
  for (const DatasetInfo& info : file.datasets()) objects.push_back(info.path);
  std::ranges::sort(objects);
  std::vector<std::string> texts;
  for (const std::string& object : objects) {
    for (const std::string& name : file.attribute_names(object)) {
      if (tells_of_run(object, name)) continue;
      texts.insert(texts.end(), {object, name, text_of(*file.attribute(object, name))});
    }
  }
  return checksum_of(texts);
}

bool has_checksum(const DatasetInfo& info) {
  return info.has_values && !info.path.starts_with("/timing/");
}

std::optional<std::vector<std::string>> stored_checksums(const Reader& file, const std::string& path) {
  if (!std::ranges::binary_search(file.groups(), std::string(checksum_group))) return std::nullopt;
  const std::optional<AttributeValue> value = file.attribute(checksum_group, name_of_checksum(path));
  if (!value || !std::holds_alternative<std::string>(*value)) return std::nullopt;
  std::istringstream words(std::get<std::string>(*value));
  std::vector<std::string> checksums;
  for (std::string word; words >> word;) checksums.push_back(word);
  return checksums;
}

std::optional<std::string> stored_attribute_checksum(const Reader& file) {
  const std::optional<std::vector<std::string>> stored = stored_checksums(file, "/attributes");
  if (!stored || stored->size() != 1) return std::nullopt;
  return stored->front();
}

void require_sound(const Reader& file, const std::string& path) {
  const DatasetInfo& info = file.info(path);
  std::vector<std::string> found;
  if (info.type == ElementType::text) {
    found.push_back(checksum_of(file.read_texts(path)));
  } else {
    std::vector<std::byte> block;
    for (std::int64_t first = 0; first < info.bytes(); first += checksum_block_bytes) {
      block.resize(static_cast<std::size_t>(std::min(checksum_block_bytes, info.bytes() - first)));
      file.read_stored(path, first, block);
      found.push_back(checksum_of(block));
    }
  }
  if (stored_checksums(file, path) == found) return;
  throw core::bad_input("the file is damaged",
                        core::concat(file.path(), ", ", path, ": its checksum differs"),
                        "make it again; `orrery verify` says what else is wrong");
}

void write_checksums(const parallel::Communicator& ranks, const std::filesystem::path& path) {
  std::vector<Block> blocks;
  parallel::agree(ranks, "listing the output", [&] {
    if (!ranks.is_root()) return;
    on_output([&] { blocks = blocks_of(Reader(path, Incomplete::accept, Origin::own)); });
  });
  const std::filesystem::path shared = ranks.broadcast(path.string());
  const std::int64_t count = ranks.max(std::ssize(blocks));
  blocks.resize(static_cast<std::size_t>(count));
  ranks.broadcast(std::as_writable_bytes(std::span(blocks)));
  std::vector<std::uint64_t> own;
  parallel::agree(ranks, "reading the output for its checksums", [&] {
    on_output([&] {
      const core::ReadFile file(shared);
      std::vector<std::byte> buffer;
      for (std::int64_t i = ranks.rank(); i < count; i += ranks.size()) {
        const Block& block = blocks[static_cast<std::size_t>(i)];
        buffer.resize(static_cast<std::size_t>(block.bytes));
        file.read(block.offset, buffer);
        own.push_back(block_hash(buffer));
      }
    });
  });
  const std::vector<std::vector<std::uint64_t>> by_rank =
      ranks.gather_values(std::span<const std::uint64_t>(own));
  parallel::agree(ranks, "writing the checksums", [&] {
    if (!ranks.is_root()) return;
    on_output([&] {
      std::vector<std::uint64_t> hashes;
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        hashes.push_back(by_rank[i % by_rank.size()][i / by_rank.size()]);
      }
      // The reader closes the file before `set_attributes` opens it.
      const std::vector<Attribute> attributes =
          attributes_of(Reader(path, Incomplete::accept, Origin::own), hashes);
      set_attributes(path, attributes);
    });
  });
}

}  // namespace orrery::archive
