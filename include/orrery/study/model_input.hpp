#pragma once

#include "orrery/model/llama_config.hpp"
#include "orrery/model/random_weights.hpp"
#include "orrery/model/safetensors.hpp"
#include "orrery/model/tensor_source.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

namespace orrery::study {

/// A model folder, read and checked but for the weights themselves.
struct ModelInput {
  model::LlamaConfig config;
  std::optional<model::Checkpoint> checkpoint;    ///< the model's own weights
  std::optional<model::RandomWeights> untrained;  ///< or those of an untrained one

  const model::TensorSource& weights() const;
};

/// Reads the configuration, and the weights' headers; with `untrained` no file of weights, but random ones of
/// that seed. Throws bad_input naming file and fault, or how to get a model whose name was given for a
/// folder.
ModelInput read_model(const std::filesystem::path& folder, std::optional<std::int64_t> untrained);

/// SHA-256 of what a run reads of the model: config.json and the files of its weights (design.md). `stop`: as
/// of core::sha256_of_file.
std::string hash_model(const std::filesystem::path& folder, const ModelInput& input,
                       const std::stop_token& stop = {});

}  // namespace orrery::study
