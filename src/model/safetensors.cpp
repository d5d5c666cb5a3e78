#include "orrery/model/safetensors.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/core/read_file.hpp"
#include "orrery/model/model_folder.hpp"
#include "orrery/text/file_kind.hpp"
#include "orrery/text/json.hpp"
#include "orrery/text/printable.hpp"
#include "orrery/text/whole_file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

namespace orrery::model {
namespace {

using core::bad_input;
using core::concat;

constexpr std::int64_t length_bytes = 8;  // the header's length stands in front of it, little-endian
constexpr std::int64_t block_bytes = std::int64_t{32} << 20;
constexpr std::uint64_t longest_header = 100'000'000;  // the format's own limit
constexpr std::size_t longest_shown = 200;             // characters of a name
const char* const copy_again = "copy the model folder again";

/// Bits of one number of a safetensors type; 0 for a type that the format doesn't have.
std::int64_t element_bits(const std::string& dtype) {
  static const std::map<std::string, std::int64_t> known = {
      {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"BOOL", 8},        {"U8", 8},          {"I8", 8},
      {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"U16", 16},
      {"I16", 16},    {"F16", 16},    {"BF16", 16},   {"U32", 32},        {"I32", 32},        {"F32", 32},
      {"U64", 64},    {"I64", 64},    {"F64", 64},    {"C64", 64}};
  const auto found = known.find(dtype);
  return found == known.end() ? 0 : found->second;
}

bool is_weight_type(const std::string& dtype) {
  return dtype == "F32" || dtype == "F16" || dtype == "BF16" || dtype == "F64";
}

/// Whether a file is there; false where a name is too long or links go round in circles.
bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

/// Reads one header entry; `file` names the file in messages.
TensorEntry read_entry(const std::string& file, const std::string& full_name, const nlohmann::json& entry) {
  const std::string name = text::printable(full_name, longest_shown);
  TensorEntry tensor;
  const auto malformed = [&](const std::string& what) {
    return bad_input(concat(file, ": the header's entry of tensor ", name, " is malformed"), what,
                     copy_again);
  };
  if (!entry.is_object()) throw malformed("no JSON object");
  if (!entry.contains("dtype") || !entry["dtype"].is_string()) throw malformed("no dtype");
  if (!entry.contains("shape") || !entry["shape"].is_array()) throw malformed("no shape");
  if (!entry.contains("data_offsets") || !entry["data_offsets"].is_array() ||
      entry["data_offsets"].size() != 2) {
    throw malformed("no data_offsets");
  }
  tensor.dtype = entry["dtype"].get<std::string>();
  const std::int64_t element = element_bits(tensor.dtype);
  if (element == 0) {
    throw bad_input(concat(file, ": unknown number format of tensor ", name), text::printable(tensor.dtype),
                    "orrery reads F32, F16, BF16 and F64");
  }
  std::int64_t needed = element;
  for (const nlohmann::json& size : entry["shape"]) {
    if (!size.is_number_unsigned() || size.get<std::uint64_t>() > INT64_MAX)
      throw malformed("a size in shape is no count");
    tensor.shape.push_back(size.get<std::int64_t>());
    if (__builtin_mul_overflow(needed, tensor.shape.back(), &needed))
      throw malformed("the shape is beyond 2^63 bits");
  }
  if (needed % 8 != 0) throw malformed("the tensor's numbers end within a byte");
  needed /= 8;
  const nlohmann::json& offsets = entry["data_offsets"];
  if (!offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned() ||
      offsets[0].get<std::uint64_t>() > INT64_MAX || offsets[1].get<std::uint64_t>() > INT64_MAX) {
    throw malformed("data_offsets are no counts");
  }
  tensor.begin = offsets[0].get<std::int64_t>();
  const std::int64_t end = offsets[1].get<std::int64_t>();
  if (tensor.begin > end) {
    throw bad_input(concat(file, ": tensor ", name, " ends before it begins"),
                    concat("offsets ", tensor.begin, " to ", end), copy_again);
  }
  tensor.bytes = end - tensor.begin;
  if (tensor.bytes != needed) {
    throw bad_input(concat(file, ": the bytes of tensor ", name, " don't fit its shape"),
                    concat(tensor.bytes, " bytes given, ", needed, " needed for ", shape_text(tensor.shape),
                           " ", tensor.dtype),
                    copy_again);
  }
  return tensor;
}

/// Throws unless each tensor lies within the `data_bytes` behind the header, apart from the others.
void check_places(const std::string& file, const std::map<std::string, TensorEntry>& tensors,
                  std::int64_t data_start, std::int64_t data_bytes) {
  std::vector<std::pair<const std::string*, const TensorEntry*>> by_place;
  for (const auto& [name, tensor] : tensors) {
    const std::int64_t end = tensor.begin + tensor.bytes;
    if (end > data_bytes) {
      throw bad_input(
          concat(file, ": tensor ", text::printable(name, longest_shown), " lies beyond the end of the file"),
          concat("offsets ", tensor.begin, " to ", end, " in data of ", data_bytes,
                 " bytes; the header asks for a file of at least ",
                 static_cast<std::uint64_t>(data_start) + static_cast<std::uint64_t>(end), " bytes, it has ",
                 data_start + data_bytes),
          copy_again);
    }
    by_place.emplace_back(&name, &tensor);
  }
  // As the reference library sorts them: what has no bytes may stand where another begins or ends.
  std::sort(by_place.begin(), by_place.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second->begin, a.second->bytes) < std::pair(b.second->begin, b.second->bytes);
  });
  std::int64_t end = 0;
  for (std::size_t i = 0; i < by_place.size(); ++i) {
    const TensorEntry& tensor = *by_place[i].second;
    const std::string name = text::printable(*by_place[i].first, longest_shown);
    if (tensor.begin < end) {
      throw bad_input(concat(file, ": tensors ", text::printable(*by_place[i - 1].first, longest_shown),
                             " and ", name, " overlap"),
                      concat("offsets ", by_place[i - 1].second->begin, " to ", end, " and ", tensor.begin,
                             " to ", tensor.begin + tensor.bytes),
                      copy_again);
    }
    if (tensor.begin > end) {
      throw bad_input(concat(file, ": bytes in front of tensor ", name, " belong to no tensor"),
                      concat("offsets ", end, " to ", tensor.begin), copy_again);
    }
    end += tensor.bytes;
  }
  if (end < data_bytes) {
    throw bad_input(file + ": bytes at the end belong to no tensor",
                    concat("offsets ", end, " to ", data_bytes, "; the header asks for a file of ",
                           data_start + end, " bytes, it has ", data_start + data_bytes),
                    copy_again);
  }
}

/// Throws unless `metadata` is as the format has it: texts by name, or null.
void check_metadata(const std::string& file, const nlohmann::json& metadata) {
  const bool is_sound = metadata.is_null() ||
                        (metadata.is_object() &&
                         std::ranges::all_of(metadata, [](const auto& value) { return value.is_string(); }));
  if (is_sound) return;
  throw bad_input(file + ": the header's __metadata__ is malformed", "the format has texts there",
                  copy_again);
}

/// What a broken file turns out to be, by its first bytes.
void require_safetensors(const core::ReadFile& file, const std::string& name) {
  std::string first(static_cast<std::size_t>(std::min<std::int64_t>(file.size(), text::file_kind_bytes)),
                    '\0');
  file.read(0, std::as_writable_bytes(std::span(first)));
  text::require_no_other_kind(first, name);
}

std::string read_header_text(const core::ReadFile& file, const std::string& name) {
  const std::int64_t size = file.size();
  if (size < length_bytes) {
    require_safetensors(file, name);
    throw bad_input(concat(name, " is too short for a safetensors file"), concat(size, " bytes"), copy_again);
  }
  std::array<std::byte, length_bytes> length_field{};
  file.read(0, length_field);
  std::uint64_t length = 0;
  std::memcpy(&length, length_field.data(), sizeof length);
  // A sound file's length may look like another format's mark, so marks count only where it is too great.
  if (length > static_cast<std::uint64_t>(size - length_bytes)) {
    require_safetensors(file, name);
    throw bad_input(concat(name, " ends inside its header"),
                    concat("header of ", length, " bytes, file of ", size, " bytes"), copy_again);
  }
  // The file may be sparse, so that its size bounds no memory.
  if (length > longest_header) {
    throw bad_input(concat(name, " has too long a header"),
                    concat(length, " bytes, the format allows ", longest_header), copy_again);
  }
  std::string header(static_cast<std::size_t>(length), '\0');
  file.read(length_bytes, std::as_writable_bytes(std::span(header)));
  return header;
}

}  // namespace

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + ")";
}

std::map<std::string, TensorEntry> read_safetensors_header(const std::filesystem::path& path) {
  const std::string file_name = path.filename().string();
  const core::ReadFile file(path);
  const std::string text = read_header_text(file, file_name);
  // The parser would pass over a byte order mark, which the format doesn't have.
  if (text.starts_with("\xEF\xBB\xBF")) {
    throw bad_input(file_name + ": the header is not JSON", "a byte order mark at its beginning", copy_again);
  }
  const nlohmann::json header = text::parse_json_of_unique_names(text, file_name + ", header");
  if (!header.is_object()) {
    throw bad_input(file_name + ": the header is not a JSON object", header.type_name(), copy_again);
  }
  const std::int64_t data_start = length_bytes + std::ssize(text);
  std::map<std::string, TensorEntry> tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      check_metadata(file_name, entry);
    } else {
      tensors[name] = read_entry(file_name, name, entry);
    }
  }
  check_places(file_name, tensors, data_start, file.size() - data_start);
  for (auto& [name, tensor] : tensors) tensor.begin += data_start;
  return tensors;
}

Checkpoint::Checkpoint(std::filesystem::path folder) : folder_(std::move(folder)) {
  const std::string index_name = "model.safetensors.index.json";
  const std::string single_name = "model.safetensors";
  const bool has_index = is_there(folder_ / index_name);
  std::error_code error;
  const bool has_single = std::filesystem::is_regular_file(folder_ / single_name, error);
  if (has_single || (is_there(folder_ / single_name) && !has_index)) {
    files_ = {single_name};
    if (has_index) passed_over_ = {index_name};
    for (auto& [name, entry] : read_safetensors_header(folder_ / single_name))
      tensors_[name] = {single_name, entry};
  } else if (has_index) {
    read_shards(index_name);
  } else {
    if (const auto other = other_layout(folder_)) throw *other;
    throw bad_input("no weights in the model folder",
                    concat(folder_.string(), " has neither ", single_name, " nor ", index_name),
                    "give a folder as Hugging Face lays it out, with safetensors");
  }
  // With peft beside it, transformers would put the adapter on top.
  if (is_there(folder_ / "adapter_config.json")) passed_over_.emplace_back("adapter_config.json");
}

void Checkpoint::read_shards(const std::string& index_name) {
  const nlohmann::json index = text::read_json(folder_ / index_name);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object()) {
    throw bad_input(index_name + " has no weight_map", folder_.string(), copy_again);
  }
  std::set<std::string> shards;
  for (const auto& [name, shard] : index["weight_map"].items()) {
    if (!shard.is_string())
      throw bad_input(index_name + ": a shard's name is no text", text::printable(name, longest_shown),
                      copy_again);
    const std::string file = shard.get<std::string>();
    if (file.empty() || file.find_first_of(std::string_view("/\0", 2)) != std::string::npos || file == "." ||
        file == "..") {
      throw bad_input(index_name + ": a shard's name is not a bare file name",
                      concat("\"", text::printable(file, longest_shown), "\""),
                      "expected a file in the same folder");
    }
    shards.insert(file);
  }
  for (const std::string& shard : shards) {
    if (!is_there(folder_ / shard)) {
      throw bad_input(index_name + " names a shard that is not there",
                      (folder_ / text::printable(shard, longest_shown)).string(), copy_again);
    }
    // The library reads what the shards hold, whatever the index says of it.
    for (auto& [name, entry] : read_safetensors_header(folder_ / shard)) {
      const auto [place, is_new] = tensors_.try_emplace(name, Located{shard, entry});
      if (!is_new) {
        throw bad_input(
            "two shards hold the same tensor",
            concat(text::printable(name, longest_shown), " in ", place->second.file, " and ", shard),
            copy_again);
      }
    }
  }
  files_.assign(shards.begin(), shards.end());
  files_.push_back(index_name);
  std::sort(files_.begin(), files_.end());
}

const Checkpoint::Located& Checkpoint::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    std::string listed;
    for (const std::string& file : files_) listed += (listed.empty() ? "" : ", ") + file;
    throw bad_input("a weight is missing: " + name, concat("not in ", listed, " of ", folder_.string()),
                    "check that the folder holds the whole model, and config.json belongs to it");
  }
  return found->second;
}

std::string Checkpoint::number_format(const std::string& name) const {
  return find(name).entry.dtype;
}

void Checkpoint::require(const std::string& name, std::span<const std::int64_t> shape) const {
  const Located& located = find(name);
  if (!is_weight_type(located.entry.dtype)) {
    throw bad_input(
        concat(located.file, ": tensor ", name, " holds no numbers that orrery reads"), located.entry.dtype,
        "orrery reads F32, F16, BF16 and F64; of a quantised model give the one that it was made from");
  }
  if (!std::ranges::equal(located.entry.shape, shape)) {
    throw bad_input(concat(located.file, ": tensor ", name, " has another shape than config.json implies"),
                    concat(shape_text(located.entry.shape), " in the file, ", shape_text(shape), " expected"),
                    "check that config.json belongs to these weights");
  }
}

void Checkpoint::read(const std::string& name, std::span<const std::int64_t> shape, std::int64_t rows_at_once,
                      std::vector<std::byte>& room, const Take& take) const {
  require(name, shape);
  const Located& located = find(name);
  const std::int64_t rows = shape.front();
  const std::int64_t row_bytes = located.entry.bytes / rows;
  const std::int64_t unit = rows_at_once * std::max<std::int64_t>(row_bytes, 1);
  const std::int64_t step = rows_at_once * std::max<std::int64_t>(1, block_bytes / unit);
  const core::ReadFile file(folder_ / located.file);
  const auto needed = core::narrow<std::size_t>(std::min(step, rows) * row_bytes);
  if (room.size() < needed) room.resize(needed);
  for (std::int64_t row = 0; row < rows; row += step) {
    const std::int64_t count = std::min(step, rows - row);
    const auto bytes = std::span(room).first(core::narrow<std::size_t>(count * row_bytes));
    file.read(located.entry.begin + row * row_bytes, bytes);
    take(row, count, bytes);
  }
}

std::vector<std::string> Checkpoint::names() const {
  std::vector<std::string> all;
  for (const auto& [name, located] : tensors_) all.push_back(name);
  return all;
}

std::int64_t Checkpoint::bytes() const {
  std::int64_t total = 0;
  for (const auto& [name, located] : tensors_) total += located.entry.bytes;
  return total;
}

}  // namespace orrery::model
