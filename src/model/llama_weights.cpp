#include "orrery/model/llama_weights.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/parallel/agreement.hpp"

#include <ATen/ops/from_blob.h>
#include <c10/core/InferenceMode.h>

#include <array>
#include <functional>

namespace orrery::model {
namespace {

using core::concat;

constexpr std::int64_t alignment = 64;  // bytes; a vector register's width

/// How the rows of a source's tensor come to lie in memory.
enum class RowOrder { as_is, rotary_pairs };

/// One tensor of the source and its place in the fused one.
struct Piece {
  std::string name;
  std::vector<std::int64_t> shape;
  RowOrder order = RowOrder::as_is;
};

/// One fused tensor: the pieces' rows one below the other.
struct Part {
  at::Tensor* into = nullptr;
  at::ScalarType type = at::kFloat;
  std::vector<Piece> pieces;

  std::vector<std::int64_t> shape() const {
    std::vector<std::int64_t> whole = pieces.front().shape;
    whole.front() = 0;
    for (const Piece& piece : pieces) whole.front() += piece.shape.front();
    return whole;
  }
  std::int64_t bytes() const {
    std::int64_t numbers = static_cast<std::int64_t>(c10::elementSize(type));
    for (const std::int64_t size : shape()) numbers *= size;
    return (numbers + alignment - 1) / alignment * alignment;
  }
};

std::vector<Part> layer_parts(const LlamaConfig& c, core::Layer layer, at::ScalarType type,
                              at::ScalarType norm_type, LayerWeights& w) {
  const std::string at = concat("model.layers.", layer.value(), ".");
  const std::string attention = at + "self_attn.";
  const std::string mlp = at + "mlp.";
  const auto pairs = RowOrder::rotary_pairs;
  std::vector<Part> parts = {
      {&w.attention_norm, norm_type, {{at + "input_layernorm.weight", {c.width}}}},
      {&w.query_key_value,
       type,
       {{attention + "q_proj.weight", {c.query_rows(), c.width}, pairs},
        {attention + "k_proj.weight", {c.kv_rows(), c.width}, pairs},
        {attention + "v_proj.weight", {c.kv_rows(), c.width}}}},
      {&w.attention_out, type, {{attention + "o_proj.weight", {c.width, c.query_rows()}}}},
      {&w.mlp_norm, norm_type, {{at + "post_attention_layernorm.weight", {c.width}}}},
      {&w.gate_up,
       type,
       {{mlp + "gate_proj.weight", {c.mlp_width, c.width}},
        {mlp + "up_proj.weight", {c.mlp_width, c.width}}}},
      {&w.down, type, {{mlp + "down_proj.weight", {c.width, c.mlp_width}}}},
  };
  if (c.attention_bias) {
    parts.push_back({&w.query_key_value_bias,
                     type,
                     {{attention + "q_proj.bias", {c.query_rows()}, pairs},
                      {attention + "k_proj.bias", {c.kv_rows()}, pairs},
                      {attention + "v_proj.bias", {c.kv_rows()}}}});
    parts.push_back({&w.attention_out_bias, type, {{attention + "o_proj.bias", {c.width}}}});
  }
  if (c.mlp_bias) {
    parts.push_back({&w.gate_up_bias,
                     type,
                     {{mlp + "gate_proj.bias", {c.mlp_width}}, {mlp + "up_proj.bias", {c.mlp_width}}}});
    parts.push_back({&w.down_bias, type, {{mlp + "down_proj.bias", {c.width}}}});
  }
  return parts;
}

std::vector<Part> outer_parts(const LlamaConfig& c, at::ScalarType type, at::ScalarType norm_type, Head head,
                              OuterWeights& w) {
  std::vector<Part> parts = {{&w.embedding, type, {{"model.embed_tokens.weight", {c.vocabulary, c.width}}}}};
  if (head == Head::logits) {
    parts.push_back({&w.final_norm, norm_type, {{"model.norm.weight", {c.width}}}});
    if (!c.tied_embedding) parts.push_back({&w.head, type, {{"lm_head.weight", {c.vocabulary, c.width}}}});
  }
  return parts;
}

std::int64_t total_bytes(const std::vector<Part>& parts) {
  std::int64_t bytes = 0;
  for (const Part& part : parts) bytes += part.bytes();
  return bytes;
}

at::ScalarType scalar_type_of(const std::string& format) {
  if (format == "F32") return at::kFloat;
  if (format == "F16") return at::kHalf;
  if (format == "BF16") return at::kBFloat16;
  return at::kDouble;
}

/// A view of `bytes` as a tensor; the memory stays the caller's.
at::Tensor view_of(std::span<const std::byte> bytes, std::vector<std::int64_t> shape, at::ScalarType type) {
  // from_blob takes no const; nothing here writes through a view of the source's block.
  return at::from_blob(const_cast<std::byte*>(bytes.data()), shape, at::TensorOptions().dtype(type));
}

/// Reads one piece into rows of `into`.
void read_piece(const TensorSource& source, const Piece& piece, std::int64_t head_dim,
                std::vector<std::byte>& room, at::Tensor into) {
  const at::ScalarType type = scalar_type_of(source.number_format(piece.name));
  const std::int64_t granule = piece.order == RowOrder::rotary_pairs ? head_dim : 1;
  source.read(piece.name, piece.shape, granule, room,
              [&](std::int64_t first, std::int64_t rows, std::span<const std::byte> bytes) {
                std::vector<std::int64_t> shape = piece.shape;
                shape.front() = rows;
                at::Tensor target = into.narrow(0, first, rows);
                // A file's data may start at an odd address; the block that pread filled does not.
                const at::Tensor block = view_of(bytes, shape, type);
                if (piece.order == RowOrder::as_is) {
                  target.copy_(block);
                  return;
                }
                const std::int64_t half = head_dim / 2;
                std::vector<std::int64_t> rest(shape.begin() + 1, shape.end());
                std::vector<std::int64_t> in_memory = {rows / head_dim, half, 2};
                std::vector<std::int64_t> in_file = {rows / head_dim, 2, half};
                in_memory.insert(in_memory.end(), rest.begin(), rest.end());
                in_file.insert(in_file.end(), rest.begin(), rest.end());
                target.view(in_memory).copy_(block.view(in_file).transpose(1, 2));
              });
}

/// Points each part at its place in `arena`, and reads those that this rank writes.
void read_parts(const LlamaConfig& config, const TensorSource& source, const std::vector<Part>& parts,
                std::span<std::byte> arena, std::vector<std::byte>& room,
                const std::function<bool(std::int64_t)>& writes) {
  std::size_t offset = 0;
  std::int64_t index = 0;
  for (const Part& part : parts) {
    const auto bytes = core::narrow<std::size_t>(part.bytes());
    *part.into = view_of(arena.subspan(offset, bytes), part.shape(), part.type);
    offset += bytes;
    std::int64_t row = 0;
    for (const Piece& piece : part.pieces) {
      if (writes(index++)) {
        read_piece(source, piece, config.head_dim, room, part.into->narrow(0, row, piece.shape.front()));
      }
      row += piece.shape.front();
    }
  }
}

/// The tensors of `parts`, copied to `device`.
void move_parts(const std::vector<Part>& parts, at::Device device) {
  for (const Part& part : parts) *part.into = part.into->to(device);
}

}  // namespace

std::vector<NeededWeight> needed_weights(const LlamaConfig& config) {
  LayerWeights layer;
  OuterWeights outer;
  std::vector<Part> parts = outer_parts(config, at::kFloat, at::kFloat, Head::logits, outer);
  for (core::Layer l; l.value() < config.layers; ++l) {
    for (Part& part : layer_parts(config, l, at::kFloat, at::kFloat, layer)) parts.push_back(std::move(part));
  }
  std::vector<NeededWeight> needed;
  for (const Part& part : parts) {
    for (const Piece& piece : part.pieces) needed.push_back({piece.name, piece.shape});
  }
  return needed;
}

std::int64_t layer_bytes(const LlamaConfig& config, DType dtype) {
  LayerWeights unused;
  return total_bytes(layer_parts(config, core::Layer(0), scalar_type(dtype), at::kFloat, unused));
}

std::int64_t outer_bytes(const LlamaConfig& config, DType dtype, Head head) {
  OuterWeights unused;
  return total_bytes(outer_parts(config, scalar_type(dtype), at::kFloat, head, unused));
}

LlamaWeights::LlamaWeights(const LlamaConfig& config, const TensorSource& source, const Placement& placement,
                           const parallel::Communicator& ranks, const parallel::Communicator& node)
    : config_(config), source_(source), placement_(placement), ranks_(ranks), node_(node) {
  const c10::InferenceMode inference;
  const at::ScalarType type = scalar_type(placement_.dtype);
  const std::vector<Part> outer = outer_parts(config_, type, placement_.norm_dtype, placement_.head, outer_);
  outer_memory_ = std::make_unique<parallel::NodeMemory>(node_, total_bytes(outer));
  parallel::agree(ranks_, "reading the embedding", [&] {
    read_parts(config_, source_, outer, outer_memory_->bytes(), room_,
               [&](auto i) { return outer_memory_->writes(i); });
  });
  outer_memory_->publish();
  if (placement_.device != at::kCPU) move_parts(outer, placement_.device);
  if (placement_.head == Head::logits && config_.tied_embedding) outer_.head = outer_.embedding;

  const bool all_on_host = placement_.residency == Residency::all_layers && placement_.device == at::kCPU;
  LayerWeights unused;
  const std::int64_t one =
      total_bytes(layer_parts(config_, core::Layer(0), type, placement_.norm_dtype, unused));
  layer_memory_ = std::make_unique<parallel::NodeMemory>(node_, all_on_host ? one * config_.layers : one);
  if (placement_.residency == Residency::one_layer) {
    layers_.resize(1);
    return;
  }
  layers_.resize(core::narrow<std::size_t>(config_.layers));
  if (all_on_host) {
    parallel::agree(ranks_, "reading the weights", [&] {
      for (core::Layer l; l.value() < config_.layers; ++l) {
        const auto at = core::narrow<std::size_t>(one * l.value());
        read_layer(l, layer_memory_->bytes().subspan(at, core::narrow<std::size_t>(one)),
                   layers_[core::narrow<std::size_t>(l.value())]);
      }
    });
    layer_memory_->publish();
    room_ = {};
    return;
  }
  for (core::Layer l; l.value() < config_.layers; ++l)
    stage_layer(l, layers_[core::narrow<std::size_t>(l.value())]);
}

LlamaWeights::~LlamaWeights() = default;

void LlamaWeights::read_layer(core::Layer layer, std::span<std::byte> arena, LayerWeights& into) {
  const auto parts = layer_parts(config_, layer, scalar_type(placement_.dtype), placement_.norm_dtype, into);
  read_parts(config_, source_, parts, arena, room_, [&](auto i) { return layer_memory_->writes(i); });
}

void LlamaWeights::stage_layer(core::Layer layer, LayerWeights& into) {
  const c10::InferenceMode inference;
  node_.barrier();  // no rank of the node reads the arena any more
  parallel::agree(ranks_, "reading the weights of a layer",
                  [&] { read_layer(layer, layer_memory_->bytes(), into); });
  layer_memory_->publish();
  if (placement_.device != at::kCPU) {
    move_parts(layer_parts(config_, layer, scalar_type(placement_.dtype), placement_.norm_dtype, into),
               placement_.device);
  }
}

void LlamaWeights::hold(core::Layer layer) {
  if (placement_.residency == Residency::one_layer) stage_layer(layer, layers_.front());
}

const LayerWeights& LlamaWeights::layer(core::Layer layer) const {
  if (placement_.residency == Residency::one_layer) return layers_.front();
  return layers_[core::narrow<std::size_t>(layer.value())];
}

void LlamaWeights::free() {
  node_.barrier();
  layers_.clear();
  outer_ = {};
  layer_memory_->free();
  outer_memory_->free();
}

}  // namespace orrery::model
