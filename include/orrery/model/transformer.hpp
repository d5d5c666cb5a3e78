#pragma once

#include "orrery/core/index.hpp"
#include "orrery/model/dtype.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace orrery::model {

class Description;

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

/// What a model keeps for itself beside a stream on its way through the layers.
struct ModelState {
  virtual ~ModelState() = default;
};

/// A batch on its way through the layers.
struct BatchState {
  Batch batch;
  at::Tensor stream;    ///< (rows, D); rows = B·T rounded up to 16, and with last_token only m rounded up in
                        ///< the last layer
  at::Tensor measured;  ///< (m) rows of the measured tokens
  bool keeps_kv_cache = false;  ///< whether a layer's keys and values are kept, for continuations
  std::unique_ptr<ModelState> own;
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
  std::unique_ptr<ModelState> own;

  std::int64_t rows() const { return groups.empty() ? 0 : groups.back().first + groups.back().count; }
};

/// Streams (n, D) that a group begins with.
struct Replacements {
  std::int64_t sample;
  at::Tensor streams;
};

/// Formats of products, and of the residual stream.
struct NumberFormats {
  DType dtype = DType::float32;
  DType residual = DType::float32;

  /// Norms, rotations and softmax run in double precision where products or stream do, else in single.
  at::ScalarType norm() const {
    return dtype == DType::float64 || residual == DType::float64 ? at::kDouble : at::kFloat;
  }
  std::int64_t norm_bytes() const { return static_cast<std::int64_t>(c10::elementSize(norm())); }
};

/// How many layers' weights are in memory at once.
enum class Residency { all_layers, one_layer };
/// Whether the weights after the last layer are read: a trajectory needs none of them.
enum class Head { none, logits };

/// How a model is to run.
struct LoadOptions {
  NumberFormats formats;
  Measured measured = Measured::last_token;
  at::Device device = at::kCPU;
  Residency residency = Residency::all_layers;
  Head head = Head::none;
};

/// A model with its weights, ready to run: the same code for CPU and CUDA, one thread a batch. A batch's
/// results depend on its own tokens and shape alone.
class Transformer {
 public:
  virtual ~Transformer() = default;

  virtual const Description& description() const = 0;
  /// Of norms and logits.
  virtual at::ScalarType norm_dtype() const = 0;

  /// With Residency::one_layer, collective over the ranks that loaded the model: reads the weights of
  /// `layer` in place of those before, to which no tensor may point any more. With all_layers they are
  /// there.
  virtual void hold(core::Layer layer) = 0;
  /// Collective over those ranks: gives the weights back. No tensor may point to them any more.
  virtual void free() = 0;

  /// The stream that enters layer 0.
  virtual BatchState embed(Batch batch) const = 0;
  /// Runs one layer, showing the visitor its points. With last_token the last layer drops the rows of all
  /// other tokens once they are not needed.
  virtual void run_layer(core::Layer layer, BatchState& state, StreamVisitor& visitor) const = 0;
  /// Shows the visitor the final point.
  virtual void finish(BatchState& state, StreamVisitor& visitor) const = 0;
  /// (m, V) in the norm's precision: next-token logits of the measured tokens, after `finish`.
  at::Tensor logits(const BatchState& state) const;
  /// (n, V) in the norm's precision: next-token logits of streams (n, D) at the final point.
  virtual at::Tensor logits(const at::Tensor& streams) const = 0;

  /// Adds groups of rows, which begin at the layer that `batch` comes to next. Equal rows of a group keep
  /// equal bits wherever they stand in it; other numbers of rows may round otherwise.
  virtual void join(const BatchState& batch, std::span<const Replacements> groups,
                    Continuation& rows) const = 0;
  /// Runs one layer for the rows, after `run_layer` did for their batch, whose keys and values are of this
  /// layer. The visitor sees all rows as measured at the layer's points.
  virtual void continue_layer(core::Layer layer, const BatchState& batch, Continuation& rows,
                              StreamVisitor& visitor) const = 0;
  /// Drops the keys and values of the layer that ran last.
  virtual void drop_kv_cache(BatchState& batch) const = 0;
  /// Shows the visitor the final point.
  virtual void finish(const BatchState& batch, Continuation& rows, StreamVisitor& visitor) const = 0;
};

/// Every product has a multiple of this many rows: the rows at a product's end would have other bits than the
/// same rows elsewhere.
constexpr std::int64_t row_multiple = 16;
constexpr std::int64_t padded_rows(std::int64_t rows) {
  return (rows + row_multiple - 1) / row_multiple * row_multiple;
}

/// (padded rows, columns), zero below the first `rows`: what stands there takes part in products.
at::Tensor empty_padded(std::int64_t rows, std::int64_t columns, const at::TensorOptions& options);
/// `rows` of `from`, and zeros below up to a multiple of 16.
at::Tensor select_padded(const at::Tensor& from, const at::Tensor& rows);
/// Rows (in a B × T stream) of the tokens that are measured.
std::vector<std::int64_t> measured_rows(const Batch& batch, Measured measured);
/// 0 … n − 1 on `device`: all rows of a continuation count as measured.
at::Tensor all_places(const Continuation& rows, at::Device device);

}  // namespace orrery::model
