#pragma once

#include "orrery/core/index.hpp"
#include "orrery/core/point_map.hpp"
#include "orrery/model/dtype.hpp"
#include "orrery/model/safetensors.hpp"
#include "orrery/model/tensor_source.hpp"
#include "orrery/model/transformer.hpp"
#include "orrery/parallel/communicator.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace orrery::model {

/// What a model is, in numbers.
struct Shape {
  std::string architecture;     ///< as config.json names it
  core::PointMap points;        ///< its capture points, and so its layers
  std::int64_t width = 0;       ///< D, units of the residual stream
  std::int64_t heads = 0;       ///< query heads; 0 of a model without attention
  std::int64_t kv_heads = 0;    ///< key-value heads
  std::int64_t head_dim = 0;    ///< columns of what a head gives
  std::int64_t mlp_width = 0;   ///< rows of a layer's widest product
  std::int64_t vocabulary = 0;  ///< rows of the embedding
  std::int64_t positions = 0;   ///< longest sequence the model was made for
  std::int64_t parameters = 0;  ///< weights of the whole model

  std::int64_t layers() const { return points.layers(); }  ///< L
};

/// Samples that run together, padded to as many tokens each.
struct BatchShape {
  std::int64_t samples = 0;  ///< B
  std::int64_t length = 0;   ///< T

  std::int64_t tokens() const { return samples * length; }
};

/// Floating-point operations; a multiply and an add are two.
struct ForwardFlop {
  double product = 0;    ///< products with weights
  double attention = 0;  ///< scores and their weighted sums

  double total() const { return product + attention; }
  ForwardFlop& operator+=(const ForwardFlop& other) {
    product += other.product;
    attention += other.attention;
    return *this;
  }
};

/// A tensor of the source that a model needs.
struct NeededWeight {
  std::string name;
  std::vector<std::int64_t> shape;  ///< outermost first
};

/// A model before its weights are read: what it is, what it takes, which weights it needs. All that the
/// rest of the program knows of a model is here and in Transformer; a family of models is one of each
/// (families.hpp). Bytes and FLOPs are asked here and derived nowhere else.
class Description {
 public:
  virtual ~Description() = default;

  const Shape& shape() const { return shape_; }
  /// Keys of config.json that nobody reads, those of a dictionary as "a.b".
  const std::vector<std::string>& unread_keys() const { return unread_keys_; }

  /// Of a batch's forward, padding counted; with last_token the last layer runs for the last tokens alone.
  virtual ForwardFlop forward_flop(Measured measured, const BatchShape& batch) const = 0;
  /// Of `rows` of a continuation that join at the input of `start`, beside a batch of `length` tokens, with
  /// their logits.
  virtual ForwardFlop continuation_flop(core::Layer start, std::int64_t rows, std::int64_t length) const = 0;

  /// Bytes of a batch between two layers: its stream, and what the model keeps beside it.
  virtual std::int64_t waiting_bytes(const BatchShape& batch, const NumberFormats& formats) const = 0;
  /// The most bytes that a layer holds at once beyond those, weights aside.
  virtual std::int64_t working_bytes(const BatchShape& batch, const NumberFormats& formats) const = 0;
  /// Bytes of what a layer keeps of a batch for continuations.
  virtual std::int64_t kv_cache_bytes(const BatchShape& batch, const NumberFormats& formats) const = 0;
  /// The same of a continuation of `rows` rows, a multiple of row_multiple, whose largest group has
  /// `group`.
  virtual std::int64_t continuation_waiting_bytes(std::int64_t rows, const NumberFormats& formats) const = 0;
  virtual std::int64_t continuation_working_bytes(std::int64_t rows, std::int64_t group, std::int64_t length,
                                                  const NumberFormats& formats) const = 0;
  /// Bytes of the logits of `rows` streams.
  virtual std::int64_t logits_bytes(std::int64_t rows, const NumberFormats& formats) const = 0;
  /// Bytes of one layer's weights, and of those before and after the layers, as they lie in memory.
  virtual std::int64_t layer_bytes(DType dtype) const = 0;
  virtual std::int64_t outer_bytes(DType dtype, Head head) const = 0;

  /// All weights, those after the last layer included.
  virtual std::vector<NeededWeight> needed_weights() const = 0;
  /// Takes note of what a checkpoint's names say of the model. Throws bad_input unless every weight that it
  /// needs is there, in its shape.
  virtual void settle(const Checkpoint& checkpoint);
  /// The name of a tensor that is not needed, with `*` for the number of a layer.
  virtual std::string pattern_of(const std::string& name) const { return name; }
  /// Whether a tensor that is not needed is one that the model makes anew, and no news.
  virtual bool makes_anew(const std::string&) const { return false; }
  /// Spread of an untrained model's weights.
  virtual double initial_spread() const = 0;

  /// Collective over `ranks`; `node` are those of them on this node. Reads the weights (Transformer::hold).
  /// Description, source and both communicators must outlive the model.
  virtual std::unique_ptr<Transformer> load(const TensorSource& source, const LoadOptions& options,
                                            const parallel::Communicator& ranks,
                                            const parallel::Communicator& node) const = 0;

 protected:
  Shape shape_;
  std::vector<std::string> unread_keys_;
};

}  // namespace orrery::model
