#pragma once

#include "orrery/model/description.hpp"
#include "orrery/model/dtype.hpp"
#include "orrery/model/safetensors.hpp"

#include <optional>
#include <string>
#include <vector>

namespace orrery::model {

/// Tensors of the file that the model doesn't need (biases that config.json doesn't ask for, further
/// layers), but for those that it makes anew: patterns with `*` for the number of a layer, sorted.
std::vector<std::string> unread_weights(const Description& model, const Checkpoint& checkpoint);

/// A weight that makes a forward pass give NaN or infinity.
struct NotFinite {
  std::string text;        ///< "NaN in TENSOR of FILE"
  bool is_finite = false;  ///< in the file, and too great for the products' format
};

/// The first weight with a number that is not finite in format `dtype`. Reads all weights until then. Throws
/// as Checkpoint::read does.
std::optional<NotFinite> weight_not_finite(const Description& model, const Checkpoint& checkpoint,
                                           DType dtype);

}  // namespace orrery::model
