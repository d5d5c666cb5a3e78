#pragma once

#include "orrery/core/index.hpp"
#include "orrery/model/llama_description.hpp"
#include "orrery/model/llama_weights.hpp"
#include "orrery/model/transformer.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace orrery::model {

/// The forward pass of a Llama, with its weights.
class Llama final : public Transformer {
 public:
  /// Collective, as Description::load.
  Llama(const LlamaDescription& description, const TensorSource& source, const LoadOptions& options,
        const parallel::Communicator& ranks, const parallel::Communicator& node);

  const Description& description() const override { return description_; }
  at::ScalarType norm_dtype() const override { return norm_dtype_; }
  void hold(core::Layer layer) override { weights_.hold(layer); }
  void free() override { weights_.free(); }
  BatchState embed(Batch batch) const override;
  /// Its points are before attention and before the MLP. With last_token the last layer drops the rows of
  /// all other tokens after their keys and values.
  void run_layer(core::Layer layer, BatchState& state, StreamVisitor& visitor) const override;
  void finish(BatchState& state, StreamVisitor& visitor) const override;
  using Transformer::logits;
  at::Tensor logits(const at::Tensor& streams) const override;
  void join(const BatchState& batch, std::span<const Replacements> groups, Continuation& rows) const override;
  void continue_layer(core::Layer layer, const BatchState& batch, Continuation& rows,
                      StreamVisitor& visitor) const override;
  void drop_kv_cache(BatchState& batch) const override;
  void finish(const BatchState& batch, Continuation& rows, StreamVisitor& visitor) const override;

  const LlamaWeights& weights() const { return weights_; }

 private:
  at::Tensor normalise(const at::Tensor& stream, const at::Tensor& weight) const;
  at::Tensor query_key_value(const at::Tensor& normed, const LayerWeights& weights,
                             const at::Tensor& rotation) const;
  at::Tensor attend_all(const at::Tensor& normed, const LayerWeights& weights, BatchState& state) const;
  at::Tensor attend_last(const at::Tensor& normed, const LayerWeights& weights, BatchState& state) const;
  at::Tensor attend_rows(const at::Tensor& normed, const LayerWeights& weights, const BatchState& batch,
                         const Continuation& rows) const;
  at::Tensor mlp(const LayerWeights& weights, const at::Tensor& stream) const;
  void rotate(const at::Tensor& heads, const at::Tensor& rotation) const;
  core::Point pre_mlp(core::Layer layer) const;

  const LlamaDescription& description_;
  LlamaConfig config_;
  core::PointMap points_;
  DType dtype_;
  DType residual_;
  Measured measured_;
  at::Device device_;
  at::ScalarType norm_dtype_;
  LlamaWeights weights_;
};

}  // namespace orrery::model
