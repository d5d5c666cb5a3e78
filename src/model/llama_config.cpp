#include "orrery/model/llama_config.hpp"

#include "config_keys.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/text/json.hpp"
#include "rope_config.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace orrery::model {
namespace {

using text::JsonValue;

// No size of a Llama comes near.
constexpr std::int64_t most = std::int64_t{1} << 20;
constexpr std::int64_t most_layers = 1 << 12;
// Each size may be great, but not all together: with eight bytes a weight, and FLOPs of a long corpus, sums
// stay in 64 bits.
constexpr double most_parameters = 0x1p45;

std::int64_t size_of(const JsonValue& config, std::string_view key, std::int64_t greatest = most) {
  return config.at(key).integer(1, greatest);
}

std::int64_t size_or(const JsonValue& config, std::string_view key, std::int64_t otherwise) {
  const auto value = config.find(key);
  return value ? value->integer(1, most) : otherwise;
}

bool flag(const JsonValue& config, std::string_view key) {
  const auto value = config.find(key);
  return value && value->boolean();
}

/// Throws where the weights are too many to be counted.
void require_countable(const LlamaConfig& llama) {
  const auto width = static_cast<double>(llama.width);
  const auto rows =
      static_cast<double>(2 * llama.query_rows() + 2 * llama.kv_rows() + 3 * llama.mlp_width + 4);
  const double parameters = static_cast<double>(llama.layers) * (width + 1) * rows +
                            2 * static_cast<double>(llama.vocabulary) * width;
  if (parameters <= most_parameters) return;
  throw core::bad_input(
      "config.json: the sizes are those of no model",
      core::concat("about ", parameters, " weights, at most ", most_parameters, " are supported"),
      "use the config.json that the model was published with");
}

}  // namespace

double Rope::frequency(std::int64_t pair, std::int64_t head_dim) const {
  const double plain = std::pow(theta, -2.0 * static_cast<double>(pair) / static_cast<double>(head_dim));
  if (scaling == RopeScaling::none) return plain;
  if (scaling == RopeScaling::linear) return plain / factor;
  const double wavelength = 2 * std::numbers::pi / plain;
  if (wavelength < original_positions / high_frequency_factor) return plain;
  if (wavelength > original_positions / low_frequency_factor) return plain / factor;
  const double kept = (original_positions / wavelength - low_frequency_factor) /
                      (high_frequency_factor - low_frequency_factor);
  return (1 - kept) * plain / factor + kept * plain;
}

std::int64_t LlamaConfig::layer_parameters() const {
  const std::int64_t attention = width * (query_rows() + 2 * kv_rows()) + query_rows() * width;
  const std::int64_t biases =
      (attention_bias ? query_rows() + 2 * kv_rows() + width : 0) + (mlp_bias ? 2 * mlp_width + width : 0);
  return attention + 3 * width * mlp_width + 2 * width + biases;
}

std::int64_t LlamaConfig::parameters() const {
  return layers * layer_parameters() + (tied_embedding ? 1 : 2) * vocabulary * width + width;
}

LlamaConfig read_llama_config(const std::filesystem::path& folder) {
  const nlohmann::json json = text::read_json(folder / "config.json");
  const JsonValue config(json, "config.json");
  require_plain_llama(config);

  LlamaConfig llama;
  llama.layers = size_of(config, "num_hidden_layers", most_layers);
  llama.width = size_of(config, "hidden_size");
  llama.heads = size_of(config, "num_attention_heads");
  llama.kv_heads = size_or(config, "num_key_value_heads", llama.heads);
  if (llama.heads % llama.kv_heads != 0) {
    throw core::bad_input("config.json: num_attention_heads is no multiple of num_key_value_heads",
                          core::concat(llama.heads, " and ", llama.kv_heads),
                          "check that config.json belongs to these weights");
  }
  if (!config.find("head_dim") && llama.width % llama.heads != 0) {
    throw core::bad_input(
        "config.json: hidden_size is no multiple of num_attention_heads, and head_dim is not given",
        core::concat(llama.width, " and ", llama.heads), "add head_dim");
  }
  llama.head_dim = size_or(config, "head_dim", llama.width / llama.heads);
  if (llama.head_dim % 2 != 0) {
    throw core::bad_input("config.json: head_dim is odd", std::to_string(llama.head_dim),
                          "rotary embeddings turn pairs: an even number is needed");
  }
  llama.mlp_width = size_of(config, "intermediate_size");
  llama.vocabulary = size_of(config, "vocab_size");
  llama.positions = size_or(config, "max_position_embeddings", 2048);
  if (const auto epsilon = config.find("rms_norm_eps")) llama.norm_epsilon = epsilon->positive_number();
  if (const auto activation = config.find("hidden_act");
      activation && activation->string() != "silu" && activation->string() != "swish") {
    throw activation->error("is not supported", "orrery computes silu");
  }
  llama.tied_embedding = flag(config, "tie_word_embeddings");
  llama.attention_bias = flag(config, "attention_bias");
  llama.mlp_bias = flag(config, "mlp_bias");
  if (const auto range = config.find("initializer_range")) llama.initializer_range = range->number();
  std::vector<std::string> within_rope;
  llama.rope = read_rope(config, llama.positions, within_rope);
  require_countable(llama);
  llama.unread = unread_keys(config, llama);
  llama.unread.insert(llama.unread.end(), within_rope.begin(), within_rope.end());
  return llama;
}

}  // namespace orrery::model
