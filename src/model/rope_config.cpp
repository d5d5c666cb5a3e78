#include "rope_config.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

namespace orrery::model {
namespace {

using core::concat;
using text::JsonValue;

constexpr const char* supported = "supported are default, linear and llama3";
constexpr std::string_view original = "original_max_position_embeddings";

/// A dictionary of RoPE; an empty one counts as absent, as the library has it.
std::optional<JsonValue> dictionary(const JsonValue& config, std::string_view key) {
  const auto found = config.find(key);
  if (!found) return std::nullopt;
  found->require_object();
  if (found->json().empty()) return std::nullopt;
  return found;
}

/// Throws where `b` has another value than `a`: whichever is meant, some reader takes the other.
void require_same(const JsonValue& a, const JsonValue& b) {
  if (a.json() == b.json()) return;
  throw core::bad_input(concat("config.json: ", a.key(), " and ", b.key(), " disagree"),
                        concat(a.json().dump(), " and ", b.json().dump()),
                        "leave the one that the model was trained with");
}

void require_whole_heads(const JsonValue& holder) {
  const auto share = holder.find("partial_rotary_factor");
  if (share && share->number() != 1.0)
    throw share->error("is not supported", "orrery turns whole heads: 1.0");
}

/// The type that a dictionary names, "default" without one.
std::string type_of(const JsonValue& dictionary) {
  const auto newer = dictionary.find("rope_type");
  const auto older = dictionary.find("type");
  if (newer && older) require_same(*newer, *older);
  if (newer) return newer->string();
  return older ? older->string() : "default";
}

/// Llama 3.1's scaling, with what stands beside the dictionary.
void read_llama3(const JsonValue& config, const JsonValue& dictionary, std::int64_t positions, Rope& rope) {
  rope.scaling = RopeScaling::llama3;
  rope.factor = dictionary.at("factor").positive_number();
  rope.low_frequency_factor = dictionary.at("low_freq_factor").positive_number();
  rope.high_frequency_factor = dictionary.at("high_freq_factor").positive_number();
  auto trained = dictionary.find(original);
  if (!trained) trained = config.find(original);
  rope.original_positions = trained ? trained->positive_number() : static_cast<double>(positions);
  if (rope.high_frequency_factor <= rope.low_frequency_factor) {
    throw dictionary.at("high_freq_factor").error("is not above low_freq_factor");
  }
}

/// One dictionary, with what stands beside it in config.json.
Rope read_dictionary(const JsonValue& config, const JsonValue& dictionary, std::int64_t positions,
                     std::vector<std::string>& unread) {
  for (const auto& [name, value] : dictionary.json().items()) {
    if (value.is_object())
      throw dictionary.at(name).error("is not supported", "orrery turns all layers alike: one dictionary");
  }
  Rope rope;
  const auto theta_beside = config.find("rope_theta");
  const auto theta = dictionary.find("rope_theta");
  if (theta && theta_beside) require_same(*theta, *theta_beside);
  if (theta || theta_beside) rope.theta = (theta ? theta : theta_beside)->positive_number();
  if (const auto inside = dictionary.find(original)) {
    if (const auto beside = config.find(original)) require_same(*inside, *beside);
  }
  require_whole_heads(dictionary);

  std::set<std::string, std::less<>> read = {"rope_theta", "partial_rotary_factor", "rope_type", "type"};
  const std::string type = type_of(dictionary);
  if (type == "linear") {
    rope.scaling = RopeScaling::linear;
    rope.factor = dictionary.at("factor").positive_number();
    read.insert("factor");
  } else if (type == "llama3") {
    read_llama3(config, dictionary, positions, rope);
    read.insert({"factor", "low_freq_factor", "high_freq_factor", std::string(original)});
  } else if (type != "default") {
    const auto named = dictionary.find("rope_type");
    throw(named ? *named : dictionary.at("type")).error("is not supported", supported);
  }
  for (const auto& [name, value] : dictionary.json().items()) {
    if (!value.is_null() && !read.contains(name)) unread.push_back(concat(dictionary.key(), ".", name));
  }
  return rope;
}

}  // namespace

Rope read_rope(const JsonValue& config, std::int64_t positions, std::vector<std::string>& unread) {
  require_whole_heads(config);
  const auto older = dictionary(config, "rope_scaling");
  const auto newer = dictionary(config, "rope_parameters");
  if (!older && !newer) {
    Rope rope;
    if (const auto theta = config.find("rope_theta")) rope.theta = theta->positive_number();
    return rope;
  }
  const Rope rope = read_dictionary(config, older ? *older : *newer, positions, unread);
  if (older && newer && read_dictionary(config, *newer, positions, unread) != rope) {
    throw core::bad_input("config.json: rope_scaling and rope_parameters disagree",
                          concat(older->json().dump(), " and ", newer->json().dump()),
                          "leave the one that the model was trained with");
  }
  return rope;
}

}  // namespace orrery::model
