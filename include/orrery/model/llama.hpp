#pragma once

#include "orrery/core/index.hpp"
#include "orrery/model/llama_config.hpp"
#include "orrery/model/weights.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace orrery::model {

/// Samples that run together: B rows of T tokens, padded on the right. As attention is causal, padding comes
/// after every token that matters and changes nothing.
struct Batch {
  at::Tensor tokens;                  ///< (B, T) int64, CPU; 0 where padded
  std::vector<std::int64_t> lengths;  ///< (B) tokens of each sample, 1 … T
  std::int64_t leading = 0;           ///< special tokens in front of each sample (BOS)
};

/// Which tokens are measured: the last of each sample, or all but the leading ones and padding, sample by
/// sample, each sample's in order.
enum class Measured { last_token, all_tokens };

/// What a visitor sees at a capture point.
struct StreamView {
  const Batch& batch;
  at::Tensor stream;  ///< (rows, D) the residual stream before any norm; a visitor may change it in place
  const at::Tensor& measured;  ///< (m) int64, on the stream's device: its rows that hold the measured tokens
};

/// What a visitor sees of a part of a layer before it is added to the stream.
struct PartView {
  const Batch& batch;
  at::Tensor output;           ///< (rows, columns) in the products' format; a visitor may change it in place
  const at::Tensor& measured;  ///< as of StreamView
};

/// The one seam of the forward pass: captures, perturbations and ablations are visitors. Called in order,
/// from the thread that runs the batch.
class StreamVisitor {
 public:
  virtual ~StreamVisitor() = default;
  /// At each capture point.
  virtual void at_point(core::Point point, const StreamView& view) = 0;
  /// What the heads of `layer` give, head by head: (rows, H·h), before the output projection.
  virtual void at_heads(core::Layer, const PartView&) {}
  /// What the MLP of `layer` gives: (rows, D).
  virtual void at_mlp(core::Layer, const PartView&) {}
};

/// What the tokens of a batch answer attention with in one layer. B samples, K key-value heads.
struct KeysAndValues {
  at::Tensor keys;    ///< (B·K, h, T) rotated
  at::Tensor values;  ///< (B·K, T, h)
};

/// A batch on its way through the layers.
struct BatchState {
  Batch batch;
  at::Tensor stream;    ///< (rows, D); rows = B·T rounded up to 16, and with last_token only m rounded up in
                        ///< the last block
  at::Tensor measured;  ///< (m) rows of the measured tokens
  at::Tensor rotation;  ///< (rows, 1, head_dim / 2) complex: RoPE's turns
  at::Tensor causal;    ///< (heads / kv_heads · T, T) 0 where a token may look, −∞ elsewhere
  bool keeps_answers = false;  ///< whether `answers` is kept, for continuations
  KeysAndValues answers;       ///< of the layer that ran last
};

/// Streams that stand in for the last token of samples of a batch, on their way through the layers beside it:
/// a perturbed run is that of one token, as earlier ones can't see it (science.md section 4).
struct Continuation {
  /// Rows `first` … `first + count − 1` stand in for the last token of sample `sample` of the batch.
  struct Group {
    std::int64_t sample;
    std::int64_t first;
    std::int64_t count;
  };
  std::vector<Group> groups;  ///< in order of their rows
  at::Tensor stream;          ///< (rows rounded up to 16, D)
  at::Tensor rotation;        ///< (as many, 1, head_dim / 2) complex: each row's turns

  std::int64_t rows() const { return groups.empty() ? 0 : groups.back().first + groups.back().count; }
};

/// Streams (n, D) that a group begins with.
struct Replacements {
  std::int64_t sample;
  at::Tensor streams;
};

/// The forward pass of a Llama: the same code for CPU and CUDA, one thread a batch. A batch's results depend
/// on its own tokens and shape alone.
class Llama {
 public:
  /// `dtype` of products, `residual` of the stream.
  Llama(LlamaConfig config, DType dtype, DType residual, Measured measured, at::Device device);

  /// The stream at point 0.
  BatchState embed(Batch batch, const OuterWeights& outer) const;
  /// Runs one decoder layer, showing the visitor its two points. With last_token the last layer drops the
  /// rows of all other tokens after their keys and values.
  void run_layer(core::Layer layer, const LayerWeights& weights, BatchState& state,
                 StreamVisitor& visitor) const;
  /// Shows the visitor the final point.
  void finish(BatchState& state, StreamVisitor& visitor) const;
  /// (m, V) in the norm's precision: next-token logits of the measured tokens, after `finish`.
  at::Tensor logits(const BatchState& state, const OuterWeights& outer) const;
  /// (n, V) in the norm's precision: next-token logits of streams (n, D) at the final point.
  at::Tensor logits(const at::Tensor& streams, const OuterWeights& outer) const;

  /// Adds groups of rows, which begin at the layer that `batch` comes to next. Equal rows of a group keep
  /// equal bits wherever they stand in it; other numbers of rows may round otherwise.
  void join(const BatchState& batch, std::span<const Replacements> groups, Continuation& rows) const;
  /// Runs one layer for the rows, after `run_layer` did for their batch, whose answers are of this layer. The
  /// visitor sees all rows as measured at the layer's two points.
  void continue_layer(core::Layer layer, const LayerWeights& weights, const BatchState& batch,
                      Continuation& rows, StreamVisitor& visitor) const;
  /// Shows the visitor the final point.
  void finish(const BatchState& batch, Continuation& rows, StreamVisitor& visitor) const;

  const LlamaConfig& config() const { return config_; }
  /// Norms, rotations and softmax run in double precision where products or stream do, else in single.
  at::ScalarType norm_dtype() const { return norm_dtype_; }

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

  LlamaConfig config_;
  core::PointMap points_;
  DType dtype_;
  DType residual_;
  Measured measured_;
  at::Device device_;
  at::ScalarType norm_dtype_;
};

/// `norm_dtype` of a Llama with these formats.
at::ScalarType norm_dtype_of(DType dtype, DType residual);

/// Every product has a multiple of this many rows: the rows at a product's end would have other bits than the
/// same rows elsewhere.
constexpr std::int64_t row_multiple = 16;
constexpr std::int64_t padded_rows(std::int64_t rows) {
  return (rows + row_multiple - 1) / row_multiple * row_multiple;
}

}  // namespace orrery::model
