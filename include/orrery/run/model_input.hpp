#pragma once

#include "orrery/core/error.hpp"
#include "orrery/model/description.hpp"
#include "orrery/model/dtype.hpp"
#include "orrery/model/random_weights.hpp"
#include "orrery/model/safetensors.hpp"
#include "orrery/model/tensor_source.hpp"
#include "orrery/statistics/shards.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace orrery::run {

/// A model folder, read and checked but for the weights themselves.
struct ModelInput {
  std::unique_ptr<model::Description> model;
  std::optional<model::Checkpoint> checkpoint;    ///< the model's own weights
  std::optional<model::RandomWeights> untrained;  ///< or those of an untrained one

  const model::Shape& shape() const { return model->shape(); }
  const model::TensorSource& weights() const;
};

/// Reads the configuration, and the weights' headers; with `untrained` no file of weights, but random ones of
/// that seed. Throws bad_input naming file and fault, or how to get a model whose name was given for a
/// folder.
ModelInput read_model(const std::filesystem::path& folder, std::optional<std::int64_t> untrained);

/// Warns of what lies in the model folder and is not read: keys of config.json, tensors, files. Once a run.
void warn_of_unread(const ModelInput& input);

/// The keys of config.json that nobody reads, as the attribute `config_unread` has them: "a, b, c"; the last
/// ones are counted alone where they are too long for an attribute.
std::string unread_keys_text(const model::Description& model);

/// The bad_input of a run whose own streams can't be measured. Where they are not finite it names the weight
/// that is not, or else says that the computation left the formats' range, and reads all weights for that.
core::Error stream_error(const ModelInput& input, model::DType dtype, model::DType residual,
                         const statistics::StreamFault& fault);

/// SHA-256 of what a run reads of the model: config.json and the files of its weights (design.md). `stop`: as
/// of core::sha256_of_file.
std::string hash_model(const std::filesystem::path& folder, const ModelInput& input,
                       const std::stop_token& stop = {});

}  // namespace orrery::run
