#include "orrery/archive/checkpoint.hpp"

#include "disk.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/hex.hpp"
#include "orrery/text/json.hpp"
#include "orrery/text/whole_file.hpp"
#include "work_names.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <limits>
#include <string_view>

namespace orrery::archive {
namespace {

constexpr std::string_view format = "orrery-checkpoint";
constexpr std::int64_t format_version = 1;
/// A block takes about 50 bytes: room for a million.
constexpr std::int64_t most_checkpoint_bytes = std::int64_t{64} << 20;
constexpr std::int64_t most_block = std::numeric_limits<std::int64_t>::max() - 1;
constexpr std::size_t hash_digits = 16;
constexpr const char* begin_anew = "begin anew with --overwrite";

/// Throws unless the value is a hash as `core::hex` writes it, with all its digits.
std::uint64_t hash_in(const text::JsonValue& value) {
  const std::string& text = value.string();
  std::uint64_t hash = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), hash, 16);
  if (error != std::errc() || end != text.data() + text.size() || core::hex(hash, hash_digits) != text) {
    throw value.error("must be 16 hexadecimal digits");
  }
  return hash;
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  nlohmann::json blocks = nlohmann::json::array();
  for (const auto& [block, hash] : checkpoint.blocks) {
    blocks.push_back({{"block", block}, {"hash", core::hex(hash, hash_digits)}});
  }
  const nlohmann::json whole = {{"format", format},
                                {"format_version", format_version},
                                {"identity", checkpoint.identity},
                                {"blocks", std::move(blocks)},
                                {"passes", checkpoint.passes},
                                {"choices", checkpoint.choices}};
  std::string bytes;
  try {
    bytes = whole.dump();
  } catch (const nlohmann::json::type_error&) {
    throw core::internal_error("a checkpoint's identity is not UTF-8", path.string(),
                               "please report it with the command line");
  }
  replace_file(path, bytes + "\n");
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  const nlohmann::json json =
      text::parse_json(text::read_whole_file(path, most_checkpoint_bytes), path.string(), begin_anew);
  const text::JsonValue whole(json, path.string(), {}, begin_anew);
  if (whole.at("format").string() != format) throw whole.at("format").error("must be orrery-checkpoint");
  whole.at("format_version").integer(format_version, format_version);
  Checkpoint checkpoint;
  const text::JsonValue identity = whole.at("identity");
  identity.require_object();
  for (const auto& [name, value] : identity.json().items()) {
    checkpoint.identity.emplace(
        name, text::JsonValue(value, path.string(), "identity." + name, begin_anew).string());
  }
  for (const text::JsonValue& element : whole.at("blocks").elements()) {
    const text::JsonValue block = element.at("block");
    // They are written in ascending order, so each must be greater than the one before.
    const std::int64_t least = checkpoint.blocks.empty() ? 0 : checkpoint.blocks.rbegin()->first + 1;
    checkpoint.blocks.emplace_hint(checkpoint.blocks.end(), block.integer(least, most_block),
                                   hash_in(element.at("hash")));
  }
  const text::JsonValue choices = whole.at("choices");
  choices.require_object();
  for (const auto& [name, value] : choices.json().items()) {
    checkpoint.choices.emplace(
        name, text::JsonValue(value, path.string(), "choices." + name, begin_anew).integer(0, most_block));
  }
  for (const text::JsonValue& pass : whole.at("passes").elements()) {
    checkpoint.passes.emplace_back();
    for (const text::JsonValue& name : pass.elements()) {
      const std::optional<WorkName> work = parse_work_name(name.string());
      if (!work || !is_state_file(work->file)) throw name.error("must be the name of a file of sums");
      checkpoint.passes.back().push_back(name.string());
    }
  }
  return checkpoint;
}

}  // namespace orrery::archive
