#pragma once

#include "orrery/core/error.hpp"

#include <filesystem>
#include <optional>

namespace orrery::model {

/// Where a folder holds a model in another layout than Hugging Face's with safetensors (an adapter, GGUF,
/// Meta's consolidated files, weights of PyTorch, TensorFlow, Flax or ONNX): a bad_input that says what lies
/// there and what to do. Nothing where it holds none of these.
std::optional<core::Error> other_layout(const std::filesystem::path& folder);

}  // namespace orrery::model
