#pragma once

#include "orrery/core/point_map.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace orrery::model {

/// How rotary position embeddings stretch their wavelengths.
enum class RopeScaling { none, linear, llama3 };

/// Rotary position embedding: the angle of pair i at position p is p · frequency(i).
struct Rope {
  double theta = 10000.0;
  RopeScaling scaling = RopeScaling::none;
  double factor = 1.0;
  // llama3 only (Llama 3.1): wavelengths beyond original_positions / low are stretched by factor, those
  // below original_positions / high kept, between them interpolated.
  double low_frequency_factor = 1.0;
  double high_frequency_factor = 4.0;
  double original_positions = 8192.0;

  /// Radians a position of pair i = 0 … head_dim/2 − 1, in double precision.
  double frequency(std::int64_t pair, std::int64_t head_dim) const;

  bool operator==(const Rope&) const = default;
};

/// What config.json says of a Llama, checked field by field.
struct LlamaConfig {
  std::string architecture = "LlamaForCausalLM";
  std::int64_t layers = 0;      ///< L, decoder layers
  std::int64_t width = 0;       ///< D, units of the residual stream
  std::int64_t heads = 0;       ///< query heads
  std::int64_t kv_heads = 0;    ///< key-value heads; each serves heads / kv_heads query heads in a row
  std::int64_t head_dim = 0;    ///< even; heads · head_dim need not be D
  std::int64_t mlp_width = 0;   ///< F
  std::int64_t vocabulary = 0;  ///< rows of the embedding
  std::int64_t positions = 0;   ///< longest sequence the model was made for
  double norm_epsilon = 1e-6;
  Rope rope;
  bool tied_embedding = false;  ///< the head is the embedding
  bool attention_bias = false;
  bool mlp_bias = false;
  double initializer_range = 0.02;  ///< spread of an untrained model's weights
  std::vector<std::string> unread;  ///< keys of config.json that nobody reads, those of a dictionary as "a.b"

  std::int64_t query_rows() const { return heads * head_dim; }
  std::int64_t kv_rows() const { return kv_heads * head_dim; }
  /// What enters each layer's attention and its MLP, and the final stream.
  core::PointMap point_map() const {
    return core::PointMap::of_layers(layers, {core::PointKind::pre_attention, core::PointKind::pre_mlp});
  }
  std::int64_t points() const { return point_map().size(); }
  /// Weights of one decoder layer, and of the whole model.
  std::int64_t layer_parameters() const;
  std::int64_t parameters() const;
};

/// Reads FOLDER/config.json, of either generation (`rope_theta` + `rope_scaling`, or `rope_parameters`). Keys
/// that some configuration class of transformers reads and orrery does not must have a value that asks a
/// Llama for nothing; those that none reads are in `unread`. Throws bad_input naming the file, the field,
/// what was seen and what is supported.
LlamaConfig read_llama_config(const std::filesystem::path& folder);

}  // namespace orrery::model
