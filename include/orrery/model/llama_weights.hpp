#pragma once

#include "orrery/core/index.hpp"
#include "orrery/model/description.hpp"
#include "orrery/model/dtype.hpp"
#include "orrery/model/llama_config.hpp"
#include "orrery/model/tensor_source.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/parallel/node_memory.hpp"

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace orrery::model {

/// The weights of one decoder layer, fused so that a layer takes four products. H, K: query and key-value
/// heads, h: head_dim, F: width of the MLP. A bias is an undefined tensor where the model has none. Query and
/// key rows are stored with RoPE's pairs side by side (2i, 2i + 1), where Hugging Face's files have i and i +
/// h/2: the scores are the same, and the rotation becomes one complex product.
struct LayerWeights {
  at::Tensor attention_norm;        ///< (D)
  at::Tensor query_key_value;       ///< ((H + 2K)·h, D)
  at::Tensor query_key_value_bias;  ///< ((H + 2K)·h)
  at::Tensor attention_out;         ///< (D, H·h)
  at::Tensor attention_out_bias;    ///< (D)
  at::Tensor mlp_norm;              ///< (D)
  at::Tensor gate_up;               ///< (2F, D)
  at::Tensor gate_up_bias;          ///< (2F)
  at::Tensor down;                  ///< (D, F)
  at::Tensor down_bias;             ///< (D)
};

/// What stands before and after the layers.
struct OuterWeights {
  at::Tensor embedding;   ///< (V, D)
  at::Tensor final_norm;  ///< (D)
  at::Tensor head;        ///< (V, D); undefined unless asked for; the embedding where they are tied
};

/// All tensors of the source that the model needs, those of the head included.
std::vector<NeededWeight> needed_weights(const LlamaConfig& config);

/// Bytes of one layer's weights, and of the outer ones, as they lie in memory.
std::int64_t layer_bytes(const LlamaConfig& config, DType dtype);
std::int64_t outer_bytes(const LlamaConfig& config, DType dtype, Head head);

/// The weights of a model on this rank's device. Each is read from its source once a node, converted to
/// `dtype` (norms stay in `norm_dtype`), and lies in memory that the node's ranks share where they are on the
/// CPU.
class LlamaWeights {
 public:
  struct Placement {
    DType dtype = DType::float32;
    at::ScalarType norm_dtype = at::kFloat;
    at::Device device = at::kCPU;
    Residency residency = Residency::all_layers;
    Head head = Head::none;
  };

  /// Collective over `ranks`; `node` are those of them on this node. Reads all weights, or with one_layer the
  /// outer ones alone. Configuration, source and both communicators must outlive the weights.
  LlamaWeights(const LlamaConfig& config, const TensorSource& source, const Placement& placement,
               const parallel::Communicator& ranks, const parallel::Communicator& node);
  ~LlamaWeights();

  /// Collective over `ranks` with Residency::one_layer: reads layer `layer` in place of the one before, to
  /// which no tensor may point any more.
  void hold(core::Layer layer);
  /// Of a layer that is held, from any thread.
  const LayerWeights& layer(core::Layer layer) const;
  const OuterWeights& outer() const { return outer_; }

  /// Collective over `ranks`: gives the shared memory back. No tensor may point into it any more.
  void free();

 private:
  void read_layer(core::Layer layer, std::span<std::byte> arena, LayerWeights& into);
  void stage_layer(core::Layer layer, LayerWeights& into);

  const LlamaConfig& config_;
  const TensorSource& source_;
  Placement placement_;
  const parallel::Communicator& ranks_;
  const parallel::Communicator& node_;
  std::unique_ptr<parallel::NodeMemory> outer_memory_;
  std::unique_ptr<parallel::NodeMemory> layer_memory_;
  std::vector<std::byte> room_;  ///< for a block of the source, from tensor to tensor
  std::vector<LayerWeights> layers_;
  OuterWeights outer_;
};

}  // namespace orrery::model
