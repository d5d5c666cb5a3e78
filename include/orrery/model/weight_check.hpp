#pragma once

#include "orrery/model/dtype.hpp"
#include "orrery/model/llama_config.hpp"
#include "orrery/model/safetensors.hpp"

#include <optional>
#include <string>
#include <vector>

namespace orrery::model {

/// Throws bad_input unless every weight that the model needs is in the file, in its shape. Where the names in
/// the file are those of a wrapped, quantised or other model it says so.
void check_weights(const LlamaConfig& config, const Checkpoint& checkpoint);

/// Tensors of the file that the model doesn't need (biases that config.json doesn't ask for, further layers),
/// but for buffers of RoPE: patterns with `*` for the number of a layer, sorted.
std::vector<std::string> unread_weights(const LlamaConfig& config, const Checkpoint& checkpoint);

/// A weight that makes a forward pass give NaN or infinity.
struct NotFinite {
  std::string text;        ///< "NaN in TENSOR of FILE"
  bool is_finite = false;  ///< in the file, and too great for the products' format
};

/// The first weight with a number that is not finite in format `dtype`. Reads all weights until then. Throws
/// as Checkpoint::read does.
std::optional<NotFinite> weight_not_finite(const LlamaConfig& config, const Checkpoint& checkpoint,
                                           DType dtype);

}  // namespace orrery::model
