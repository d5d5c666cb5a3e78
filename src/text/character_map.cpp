#include "character_map.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>

namespace orrery::text {
namespace {

/// The problem; nothing where there is none.
using Fault = std::optional<std::string>;

/// The fields of a message of a protocol buffer, in order.
class Fields {
 public:
  explicit Fields(std::string_view message) : left_(message) {}

  /// Advances to the next field; false after the last, and where the message is damaged.
  bool next() {
    if (left_.empty()) return false;
    const std::uint64_t tag = take_number();
    number_ = tag >> 3U;
    content_ = {};
    std::uint64_t size = 0;
    switch (tag & 7U) {
      case 0:
        take_number();
        break;
      case 1:
        size = 8;
        break;
      case 2:
        size = take_number();
        break;
      case 5:
        size = 4;
        break;
      default:  // a group, which a model has none of
        is_damaged_ = true;
    }
    is_damaged_ = is_damaged_ || tag > std::numeric_limits<std::uint32_t>::max() || size > left_.size();
    if (is_damaged_) return false;
    content_ = left_.substr(0, size);
    left_.remove_prefix(size);
    return true;
  }
  std::uint64_t number() const { return number_; }
  std::string_view content() const { return content_; }
  bool is_damaged() const { return is_damaged_; }

 private:
  std::uint64_t take_number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !left_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(left_.front());
      left_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80U) return value;
    }
    is_damaged_ = true;
    return 0;
  }

  std::string_view left_, content_;
  std::uint64_t number_ = 0;
  bool is_damaged_ = false;
};

/// A unit of a double-array trie (Darts-clone): the byte that leads to it, and where those lie that it leads
/// to.
struct Unit {
  std::uint32_t bits;

  bool is_value() const { return bits >> 31U != 0; }
  bool has_value() const { return (bits >> 8U & 1U) != 0; }
  std::uint32_t value() const { return bits & 0x7fffffffU; }
  std::uint32_t offset() const { return (bits >> 10U) << ((bits & 0x200U) >> 6U); }
};

/// A map is the trie's length in bytes, the trie, and the texts that its values point at, each with a zero
/// byte.
Fault fault_of_map(std::string_view map) {
  if (map.empty()) return std::nullopt;
  std::uint32_t trie_bytes = 0;
  if (map.size() < sizeof trie_bytes) return "it is cut short";
  std::memcpy(&trie_bytes, map.data(), sizeof trie_bytes);
  map.remove_prefix(sizeof trie_bytes);
  if (trie_bytes >= map.size() || map.back() != '\0') return "it is cut short";
  const std::size_t texts = map.size() - trie_bytes, units = trie_bytes / sizeof(Unit);
  const auto unit_at = [map](std::size_t place) {
    Unit unit{};
    std::memcpy(&unit, map.data() + place * sizeof unit, sizeof unit);
    return unit;
  };
  if (units == 0) return "its trie is empty";
  for (std::size_t place = 0; place < units; ++place) {
    const Unit unit = unit_at(place);
    if (unit.is_value() && place > 0) continue;  // no byte leads to it
    // Any byte may follow.
    const std::size_t next = place ^ unit.offset();
    if ((next | 0xffU) >= units)
      return core::concat("its trie leads out of itself at unit ", place, " of ", units);
    if (unit.has_value() && unit_at(next).value() >= texts)
      return core::concat("a text is not there: ", unit_at(next).value(), " of ", texts, " bytes");
  }
  return std::nullopt;
}

/// Of NormalizerSpec: `precompiled_charsmap` is field 2.
Fault fault_of_normalizer(std::string_view message) {
  Fields fields(message);
  while (fields.next()) {
    if (fields.number() != 2) continue;
    if (Fault fault = fault_of_map(fields.content())) return fault;
  }
  return fields.is_damaged() ? Fault("its fields are damaged") : std::nullopt;
}

/// Of ModelProto: `normalizer_spec` is field 3, `denormalizer_spec` field 5.
Fault fault_of_model(std::string_view message) {
  Fields fields(message);
  while (fields.next()) {
    if (fields.number() != 3 && fields.number() != 5) continue;
    if (Fault fault = fault_of_normalizer(fields.content())) return "the map of characters: " + *fault;
  }
  return fields.is_damaged() ? Fault("its fields are damaged") : std::nullopt;
}

}  // namespace

void require_sound_character_maps(std::string_view bytes, const std::string& file) {
  const Fault fault = fault_of_model(bytes);
  if (!fault) return;
  throw core::bad_input(file + " is neither tiktoken's ranks nor a SentencePiece model",
                        core::concat(bytes.size(), " bytes; ", *fault),
                        "replace it: the file is damaged, or was not downloaded whole");
}

}  // namespace orrery::text
