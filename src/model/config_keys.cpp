#include "config_keys.hpp"

#include "known_config_keys.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/text/printable.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <sstream>
#include <string_view>
#include <unordered_set>

namespace orrery::model {
namespace {

using core::concat;
using nlohmann::json;
using text::JsonValue;

constexpr std::size_t longest_key = 200;

// What read_llama_config, read_rope and require_plain_llama read.
constexpr std::array<std::string_view, 25> read_keys = {"architectures",
                                                        "attention_bias",
                                                        "auto_map",
                                                        "compression_config",
                                                        "head_dim",
                                                        "hidden_act",
                                                        "hidden_size",
                                                        "initializer_range",
                                                        "intermediate_size",
                                                        "max_position_embeddings",
                                                        "mlp_bias",
                                                        "model_type",
                                                        "num_attention_heads",
                                                        "num_hidden_layers",
                                                        "num_key_value_heads",
                                                        "original_max_position_embeddings",
                                                        "partial_rotary_factor",
                                                        "quantization",
                                                        "quantization_config",
                                                        "rms_norm_eps",
                                                        "rope_parameters",
                                                        "rope_scaling",
                                                        "rope_theta",
                                                        "tie_word_embeddings",
                                                        "vocab_size"};
static_assert(std::ranges::is_sorted(read_keys));

std::unordered_set<std::string> words_of(const char* text) {
  std::istringstream words(text);
  return {std::istream_iterator<std::string>(words), {}};
}

/// Values that switch a thing off: null, false, 0, an empty text, list or dictionary.
bool is_off(const json& value) {
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number()) return value.get<double>() == 0;
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.empty();  // null too
}

bool is_text(const json& value, std::initializer_list<std::string_view> words) {
  return value.is_string() && std::ranges::find(words, value.get_ref<const std::string&>()) != words.end();
}

bool is_number(const json& value, double number) {
  return value.is_number() && value == number;
}

// A Llama does these always, and false would ask for something else.
bool means_yes(std::string_view key) {
  constexpr std::array<std::string_view, 14> keys = {"causal",
                                                     "do_layer_norm_before",
                                                     "is_causal",
                                                     "layer_norm_elementwise_affine",
                                                     "no_bias",
                                                     "normalize_before",
                                                     "pre_norm",
                                                     "rms_norm",
                                                     "scale_attn_weights",
                                                     "use_causal_conv",
                                                     "use_gated_mlp",
                                                     "use_rms_norm",
                                                     "use_rope",
                                                     "use_rotary_embedding"};
  return std::ranges::find(keys, key) != keys.end();
}

/// A factor, whose neutral value is 1.
bool is_factor(std::string_view key) {
  constexpr std::array<std::string_view, 10> keys = {
      "logits_scaling", "logit_scale",     "scale_emb",      "rotary_pct",       "embedding_fraction",
      "scale",          "embedding_scale", "residual_scale", "attn_temperature", "num_key_value_groups"};
  return key.ends_with("_multiplier") || key.ends_with("_scaling_factor") || key.ends_with("_alpha_factor") ||
         key.ends_with("_beta_factor") || std::ranges::find(keys, key) != keys.end();
}

/// A limit or a part of an attention pattern: 0 would be the narrowest, not none at all.
bool is_limit(std::string_view key) {
  for (const char* word : {"window", "chunk", "softcap", "_cap", "clip", "limit", "_scalar", "_eps"}) {
    if (key.find(word) != std::string_view::npos) return true;
  }
  return key == "attention_multiplier" || key == "attn_scale" || key == "softmax_scale";
}

/// The value that orrery itself has for what other families call so; null where there is none.
json own_value(std::string_view key, const LlamaConfig& llama) {
  const std::map<std::string_view, json> values = {{"num_layers", llama.layers},
                                                   {"n_layer", llama.layers},
                                                   {"n_layers", llama.layers},
                                                   {"d_model", llama.width},
                                                   {"n_embd", llama.width},
                                                   {"embed_dim", llama.width},
                                                   {"num_heads", llama.heads},
                                                   {"n_head", llama.heads},
                                                   {"n_heads", llama.heads},
                                                   {"num_kv_heads", llama.kv_heads},
                                                   {"d_head", llama.head_dim},
                                                   {"attention_head_size", llama.head_dim},
                                                   {"attention_head_dim", llama.head_dim},
                                                   {"kv_channels", llama.head_dim},
                                                   {"query_pre_attn_scalar", llama.head_dim},
                                                   {"rotary_dim", llama.head_dim},
                                                   {"n_inner", llama.mlp_width},
                                                   {"ffn_dim", llama.mlp_width},
                                                   {"d_ff", llama.mlp_width},
                                                   {"ffn_hidden_size", llama.mlp_width},
                                                   {"layer_norm_eps", llama.norm_epsilon},
                                                   {"layer_norm_epsilon", llama.norm_epsilon},
                                                   {"norm_eps", llama.norm_epsilon},
                                                   {"norm_epsilon", llama.norm_epsilon},
                                                   {"rotary_emb_base", llama.rope.theta},
                                                   {"rotary_embedding_base", llama.rope.theta},
                                                   {"num_experts_per_tok", 1}};
  const auto found = values.find(key);
  return found == values.end() ? json() : found->second;
}

/// Whether a value that some class reads asks a Llama for nothing.
bool is_neutral(std::string_view key, const json& value, const LlamaConfig& llama) {
  // getattr(config, "is_causal", True): null is false there.
  if (key == "is_causal") return value.is_boolean() && value.get<bool>();
  if (value.is_null()) return true;
  if (key == "layer_types" || key == "mlp_layer_types" || key == "layers_block_type") {
    return value.is_array() && std::ranges::all_of(value, [](const json& type) {
             return is_text(type, {"full_attention", "attention", "dense"});
           });
  }
  if (key == "activation_function" || key == "hidden_activation") return is_text(value, {"silu", "swish"});
  if (key == "position_embedding_type") return is_text(value, {"rope", "rotary"});
  if (key == "norm_type" || key == "normalization_type")
    return is_text(value, {"rms_norm", "rmsnorm", "RMSNorm"});
  if (key == "original_rope_theta") return true;
  if (means_yes(key)) return value.is_boolean() && value.get<bool>();
  if (const json own = own_value(key, llama); !own.is_null() && value.is_number() && value == own)
    return true;
  if (is_factor(key)) return is_number(value, 1);
  if (is_limit(key)) return (value.is_boolean() || value.is_structured()) && is_off(value);
  return is_off(value);
}

/// What orrery computes where `key` asks for something else.
std::string computed(std::string_view key) {
  struct Hint {
    std::string_view word;
    const char* text;
  };
  constexpr std::array<Hint, 14> hints = {
      {{"causal", "orrery computes causal attention: each token sees itself and all earlier ones"},
       {"transformers_weights", "orrery reads model.safetensors, or the shards of its index"},
       {"per_layer_config", "orrery computes all layers alike"},
       {"layer_types", "orrery computes full causal attention in every layer"},
       {"window", "orrery computes attention to all earlier tokens"},
       {"chunk", "orrery computes attention to all earlier tokens"},
       {"expert", "orrery computes one MLP a layer, for every token"},
       {"moe", "orrery computes one MLP a layer, for every token"},
       {"rope", "orrery turns whole heads, element i with i + head_dim / 2, by one theta"},
       {"rotary", "orrery turns whole heads, element i with i + head_dim / 2, by one theta"},
       {"bias", "orrery reads attention_bias and mlp_bias"},
       {"norm", "orrery computes an RMS norm before attention and MLP, and none elsewhere"},
       {"cap", "orrery computes scores and logits without a cap"},
       {"multiplier", "orrery computes without such a factor"}}};
  const auto found =
      std::ranges::find_if(hints, [&](const Hint& hint) { return key.find(hint.word) != key.npos; });
  return concat(found == hints.end() ? "orrery computes a plain Llama" : found->text,
                "; if the model was made without it, remove the key");
}

/// Throws where `value` is not neutral.
void require_neutral(const JsonValue& config, const std::string& key, const json& value,
                     const LlamaConfig& llama) {
  if (is_neutral(key, value, llama)) return;
  const JsonValue whole(value, config.file(), key);
  if (key == "layer_types" && value.is_array()) {
    for (const JsonValue& type : whole.elements()) {
      if (!is_text(type.json(), {"full_attention", "attention"}))
        throw type.error("is not supported", computed(key));
    }
  }
  throw whole.error("asks for what orrery does not compute", computed(key));
}

[[noreturn]] void refuse_quantised(const JsonValue& asked) {
  std::string method;
  if (asked.json().is_object()) {
    for (const char* name : {"quant_method", "quant_algo", "format", "bits"}) {
      const auto found = asked.json().find(name);
      if (found == asked.json().end() || found->is_null()) continue;
      method =
          concat(name, " ", text::printable(found->is_string() ? found->get<std::string>() : found->dump()));
      break;
    }
  }
  throw core::bad_input(
      concat("config.json: ", asked.key(), " asks for quantised weights, which orrery doesn't compute"),
      method.empty() ? "no method named" : method,
      "give the unquantised model, or dequantise it and remove the key");
}

}  // namespace

void require_plain_llama(const JsonValue& config) {
  config.require_object();
  for (const char* key : {"quantization_config", "quantization", "compression_config"}) {
    if (const auto asked = config.find(key)) refuse_quantised(*asked);
  }
  if (const auto code = config.find("auto_map"); code && !is_off(code->json())) {
    throw code->error("names code that comes with the model",
                      "orrery runs none, and computes a plain Llama: give a model that needs no such code");
  }
  const std::string supported = "orrery reads LlamaForCausalLM (model_type llama)";
  const auto names = config.find("architectures");
  const auto type = config.find("model_type");
  if (names && !names->json().empty()) {
    std::string seen;
    for (const JsonValue& name : names->elements()) {
      seen += (seen.empty() ? "" : ", ") + name.string();
    }
    if (seen != "LlamaForCausalLM")
      throw core::bad_input("config.json: architectures names none that is supported", seen, supported);
    if (type && type->string() != "llama") {
      throw core::bad_input("config.json: architectures and model_type disagree",
                            concat(seen, " and ", type->string()),
                            supported + "; transformers goes by model_type");
    }
    return;
  }
  const JsonValue needed = config.at("model_type");
  if (needed.string() != "llama") throw needed.error("is not supported", supported);
}

std::vector<std::string> unread_keys(const JsonValue& config, const LlamaConfig& llama) {
  static const std::unordered_set<std::string> harmless = words_of(harmless_config_keys);
  static const std::unordered_set<std::string> others = words_of(other_config_keys);
  std::vector<std::string> unread;
  for (const auto& [key, value] : config.json().items()) {
    if (std::ranges::binary_search(read_keys, std::string_view(key)) || harmless.contains(key)) continue;
    // SmolLM2's, of the trainer that it comes from: read by none, but another rotation if it were.
    const bool is_known = others.contains(key) || key == "rope_interleaved";
    if (is_known) {
      require_neutral(config, key, value, llama);
    } else {
      unread.push_back(text::printable(key, longest_key));
    }
  }
  return unread;
}

}  // namespace orrery::model
