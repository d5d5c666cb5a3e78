#include "orrery/model/llama.hpp"

#include "orrery/core/not_a_number.hpp"
#include "orrery/model/linear.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/polar.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/view_as_complex.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <memory>
#include <utility>

namespace orrery::model {
namespace {

/// (rows, 1, head_dim / 2) complex: exp(i · position · frequency), angles in double precision.
at::Tensor rotations(const Rope& rope, std::int64_t head_dim, std::int64_t samples, std::int64_t tokens,
                     std::int64_t rows, at::ScalarType type) {
  at::Tensor frequency = at::empty({head_dim / 2}, at::kDouble);
  for (std::int64_t i = 0; i < head_dim / 2; ++i)
    frequency.data_ptr<double>()[i] = rope.frequency(i, head_dim);
  const at::Tensor angle = at::arange(tokens, at::kDouble).unsqueeze(1).mul(frequency);   // (T, h/2)
  at::Tensor all = at::zeros({rows, head_dim / 2}, at::kDouble);                          // padding: no turn
  all.narrow(0, 0, samples * tokens).view({samples, tokens, head_dim / 2}).copy_(angle);  // (B, T, h/2)
  return at::polar(at::ones_like(all), all)
      .to(type == at::kDouble ? at::kComplexDouble : at::kComplexFloat)
      .unsqueeze(1);
}

/// (G·T, T): 0 where a token may look, −∞ at what comes after it; once for each of the G query heads of a
/// group.
at::Tensor causal_mask(std::int64_t group, std::int64_t tokens, const at::TensorOptions& options) {
  return at::full({tokens, tokens}, -core::infinity, options).triu_(1).repeat({group, 1});
}

/// What the tokens of a batch leave of one layer for those after them. B samples, K key-value heads.
struct KeysAndValues {
  at::Tensor keys;    ///< (B·K, h, T) rotated
  at::Tensor values;  ///< (B·K, T, h)
};

/// Of a batch.
struct LlamaBatch final : ModelState {
  at::Tensor rotation;     ///< (rows, 1, head_dim / 2) complex: RoPE's turns
  at::Tensor causal;       ///< (heads / kv_heads · T, T) 0 where a token may look, −∞ elsewhere
  KeysAndValues kv_cache;  ///< of the layer that ran last, where it is kept
};

/// Of a continuation.
struct LlamaRows final : ModelState {
  at::Tensor rotation;  ///< (rows, 1, head_dim / 2) complex: each row's turns
};

LlamaBatch& own(BatchState& state) {
  return static_cast<LlamaBatch&>(*state.own);
}
const LlamaBatch& own(const BatchState& state) {
  return static_cast<const LlamaBatch&>(*state.own);
}
const LlamaRows& own(const Continuation& rows) {
  return static_cast<const LlamaRows&>(*rows.own);
}

}  // namespace

Llama::Llama(const LlamaDescription& description, const TensorSource& source, const LoadOptions& options,
             const parallel::Communicator& ranks, const parallel::Communicator& node)
    : description_(description),
      config_(description.config()),
      points_(config_.point_map()),
      dtype_(options.formats.dtype),
      residual_(options.formats.residual),
      measured_(options.measured),
      device_(options.device),
      norm_dtype_(options.formats.norm()),
      weights_(config_, source, {dtype_, norm_dtype_, device_, options.residency, options.head}, ranks,
               node) {}

core::Point Llama::pre_mlp(core::Layer layer) const {
  return core::Point(points_.first_of(layer).value() + 1);
}

BatchState Llama::embed(Batch batch) const {
  const std::int64_t samples = batch.tokens.size(0);
  const std::int64_t tokens = batch.tokens.size(1);
  const std::int64_t rows = padded_rows(samples * tokens);
  BatchState state;
  state.stream = empty_padded(samples * tokens, config_.width,
                              at::TensorOptions().dtype(scalar_type(residual_)).device(device_));
  state.stream.narrow(0, 0, samples * tokens)
      .copy_(at::embedding(weights_.outer().embedding, batch.tokens.to(device_).view({-1})));
  state.measured = at::tensor(measured_rows(batch, measured_), at::kLong).to(device_);
  auto kept = std::make_unique<LlamaBatch>();
  kept->rotation = rotations(config_.rope, config_.head_dim, samples, tokens, rows, norm_dtype_).to(device_);
  kept->causal = causal_mask(config_.heads / config_.kv_heads, tokens,
                             at::TensorOptions().dtype(norm_dtype_).device(device_));
  state.own = std::move(kept);
  state.batch = std::move(batch);
  return state;
}

// LibTorch's own rms_norm makes five passes with a temporary each; this one reads the stream, scales and
// weights it.
at::Tensor Llama::normalise(const at::Tensor& stream, const at::Tensor& weight) const {
  const at::Tensor x = stream.to(norm_dtype_);
  const at::Tensor scale = at::linalg_vector_norm(x, 2, {-1}, /*keepdim=*/true)
                               .square_()
                               .div_(static_cast<double>(config_.width))
                               .add_(config_.norm_epsilon)
                               .rsqrt_();  // (R, 1)
  return x.mul(scale).mul_(weight).to(scalar_type(dtype_));
}

/// Turns (rows, heads, head_dim), RoPE's pairs side by side, in place.
void Llama::rotate(const at::Tensor& heads, const at::Tensor& rotation) const {
  at::view_as_complex(heads.unflatten(-1, {config_.head_dim / 2, 2})).mul_(rotation);
}

/// (R, H + 2K, h): queries and keys turned, and values.
at::Tensor Llama::query_key_value(const at::Tensor& normed, const LayerWeights& weights,
                                  const at::Tensor& rotation) const {
  at::Tensor all = linear(normed, weights.query_key_value, weights.query_key_value_bias)
                       .view({-1, config_.heads + 2 * config_.kv_heads, config_.head_dim})
                       .to(norm_dtype_);
  rotate(all.narrow(1, 0, config_.heads + config_.kv_heads), rotation);
  return all;
}

// Attention runs in the norm's precision, also between bfloat16 products: scores rounded to 8 bits would cost
// more accuracy than all else. Query heads that share a key-value head are its rows: the scores of a (sample,
// key-value head) are one product.
at::Tensor Llama::attend_all(const at::Tensor& normed, const LayerWeights& weights, BatchState& state) const {
  const std::int64_t B = state.batch.tokens.size(0), T = state.batch.tokens.size(1);
  const std::int64_t K = config_.kv_heads, G = config_.heads / K, h = config_.head_dim;
  const at::Tensor all = query_key_value(normed, weights, own(state).rotation);
  const at::Tensor heads = all.narrow(0, 0, B * T).view({B, T, config_.heads + 2 * K, h});
  const at::Tensor q = heads.narrow(2, 0, config_.heads)
                           .view({B, T, K, G, h})
                           .permute({0, 2, 3, 1, 4})
                           .reshape({B * K, G * T, h});
  const at::Tensor k = heads.narrow(2, config_.heads, K).permute({0, 2, 3, 1}).reshape({B * K, h, T});
  const at::Tensor v = heads.narrow(2, config_.heads + K, K).permute({0, 2, 1, 3}).reshape({B * K, T, h});
  if (state.keeps_kv_cache) own(state).kv_cache = {k, v};
  const at::Tensor scores = at::baddbmm(own(state).causal, q, k, 1, 1 / std::sqrt(static_cast<double>(h)));
  const at::Tensor share = at::softmax(scores, -1);                              // (BK, GT, T)
  at::Tensor out = empty_padded(B * T, config_.query_rows(), normed.options());  // (R, H·h)
  out.narrow(0, 0, B * T)
      .view({B, T, K, G, h})
      .copy_(at::bmm(share, v).view({B, K, G, T, h}).permute({0, 3, 1, 2, 4}));
  return out;
}

// In the last block only the measured tokens ask; every token still gives its key and value.
at::Tensor Llama::attend_last(const at::Tensor& normed, const LayerWeights& weights,
                              BatchState& state) const {
  const std::int64_t B = state.batch.tokens.size(0), T = state.batch.tokens.size(1);
  const std::int64_t H = config_.heads, K = config_.kv_heads, G = H / K, h = config_.head_dim;
  const auto rows = [](const at::Tensor& x, std::int64_t from, std::int64_t count) {
    return x.defined() ? x.narrow(0, from, count) : x;
  };
  const at::Tensor kv = linear(normed, rows(weights.query_key_value, H * h, 2 * K * h),
                               rows(weights.query_key_value_bias, H * h, 2 * K * h))
                            .view({-1, 2 * K, h})
                            .to(norm_dtype_);
  const at::Tensor q = linear(select_padded(normed, state.measured), rows(weights.query_key_value, 0, H * h),
                              rows(weights.query_key_value_bias, 0, H * h))
                           .narrow(0, 0, B)
                           .view({B, H, h})
                           .to(norm_dtype_);
  rotate(kv.narrow(1, 0, K), own(state).rotation);
  rotate(q, at::index_select(own(state).rotation, 0, state.measured));
  const at::Tensor heads = kv.narrow(0, 0, B * T).view({B, T, 2 * K, h});
  const at::Tensor k = heads.narrow(2, 0, K).permute({0, 2, 3, 1}).reshape({B * K, h, T});
  const at::Tensor v = heads.narrow(2, K, K).permute({0, 2, 1, 3}).reshape({B * K, T, h});
  if (state.keeps_kv_cache) own(state).kv_cache = {k, v};
  const at::Tensor length = at::tensor(state.batch.lengths, at::kLong).to(device_).view({B, 1, 1});
  const at::Tensor hidden = at::arange(T, length.options()).ge(length);  // (B, 1, T) padding
  at::Tensor scores = at::bmm(q.reshape({B * K, G, h}), k).mul_(1 / std::sqrt(static_cast<double>(h)));
  scores.view({B, K * G, T}).masked_fill_(hidden, -core::infinity);
  const at::Tensor share = at::softmax(scores, -1);
  at::Tensor out = empty_padded(B, H * h, normed.options());
  out.narrow(0, 0, B).view({B, K, G, h}).copy_(at::bmm(share, v).view({B, K, G, h}));
  return out;
}

void Llama::run_layer(core::Layer layer, BatchState& state, StreamVisitor& visitor) const {
  const LayerWeights& weights = weights_.layer(layer);
  visitor.at_point(points_.first_of(layer), {state.batch, state.stream, state.measured});
  const bool last_rows_only = measured_ == Measured::last_token && layer.value() == config_.layers - 1;
  const at::Tensor normed = normalise(state.stream, weights.attention_norm);
  const at::Tensor attended =
      last_rows_only ? attend_last(normed, weights, state) : attend_all(normed, weights, state);
  if (last_rows_only) {
    state.stream = select_padded(state.stream, state.measured);
    state.measured = at::arange(state.measured.size(0), state.measured.options());
  }
  visitor.at_heads(layer, {state.batch, attended, state.measured});
  state.stream.add_(linear(attended, weights.attention_out, weights.attention_out_bias));
  visitor.at_point(pre_mlp(layer), {state.batch, state.stream, state.measured});
  const at::Tensor added = mlp(weights, state.stream);
  visitor.at_mlp(layer, {state.batch, added, state.measured});
  state.stream.add_(added);
}

/// (R, D): what the MLP adds to the stream.
at::Tensor Llama::mlp(const LayerWeights& weights, const at::Tensor& stream) const {
  const at::Tensor gate_up = linear(normalise(stream, weights.mlp_norm), weights.gate_up,
                                    weights.gate_up_bias);  // (R, 2F)
  const at::Tensor hidden = at::silu(gate_up.narrow(1, 0, config_.mlp_width))
                                .mul_(gate_up.narrow(1, config_.mlp_width, config_.mlp_width));
  return linear(hidden, weights.down, weights.down_bias);
}

void Llama::finish(BatchState& state, StreamVisitor& visitor) const {
  visitor.at_point(points_.final_point(), {state.batch, state.stream, state.measured});
}

at::Tensor Llama::logits(const at::Tensor& streams) const {
  const OuterWeights& outer = weights_.outer();
  const std::int64_t rows = streams.size(0);
  at::Tensor padded = empty_padded(rows, config_.width, streams.options());
  padded.narrow(0, 0, rows).copy_(streams);
  return linear(normalise(padded, outer.final_norm), outer.head, {}).narrow(0, 0, rows).to(norm_dtype_);
}

void Llama::join(const BatchState& batch, std::span<const Replacements> groups, Continuation& rows) const {
  const std::int64_t tokens = batch.batch.tokens.size(1);
  const std::int64_t before = rows.rows();
  for (const Replacements& group : groups) {
    rows.groups.push_back({group.sample, rows.rows(), group.streams.size(0)});
  }
  const std::int64_t after = rows.rows();
  const at::Tensor stream = empty_padded(after, config_.width, batch.stream.options());
  at::Tensor rotation = at::zeros({stream.size(0), 1, config_.head_dim / 2}, own(batch).rotation.options());
  if (before > 0) {
    stream.narrow(0, 0, before).copy_(rows.stream.narrow(0, 0, before));
    rotation.narrow(0, 0, before).copy_(own(std::as_const(rows)).rotation.narrow(0, 0, before));
  }
  std::int64_t first = before;
  for (const Replacements& group : groups) {
    const std::int64_t count = group.streams.size(0);
    const std::int64_t last = batch.batch.lengths[static_cast<std::size_t>(group.sample)] - 1;
    stream.narrow(0, first, count).copy_(group.streams);
    rotation.narrow(0, first, count).copy_(own(batch).rotation.narrow(0, group.sample * tokens + last, 1));
    first += count;
  }
  rows.stream = stream;
  auto kept = std::make_unique<LlamaRows>();
  kept->rotation = rotation;
  rows.own = std::move(kept);
}

// A row looks at the tokens before the one it stands in for, whose keys and values it shares with all rows
// of its sample, and at itself.
at::Tensor Llama::attend_rows(const at::Tensor& normed, const LayerWeights& weights, const BatchState& batch,
                              const Continuation& rows) const {
  const std::int64_t K = config_.kv_heads, G = config_.heads / K, h = config_.head_dim;
  const at::Tensor all = query_key_value(normed, weights, own(rows).rotation);
  const double scale = 1 / std::sqrt(static_cast<double>(h));
  at::Tensor out = empty_padded(rows.rows(), config_.query_rows(),
                                normed.options());  // (R, H·h)
  for (const Continuation::Group& group : rows.groups) {
    const std::int64_t n = group.count;
    const std::int64_t earlier = batch.batch.lengths[static_cast<std::size_t>(group.sample)] - 1;
    const at::Tensor these = all.narrow(0, group.first, n);
    const auto each = [&](std::int64_t from) {  // (K, n, 1, h) own keys, or values
      return these.narrow(1, from, K).transpose(0, 1).unsqueeze(2);
    };
    const at::Tensor k = own(batch).kv_cache.keys.narrow(0, group.sample * K, K).narrow(2, 0, earlier);
    const at::Tensor v = own(batch).kv_cache.values.narrow(0, group.sample * K, K).narrow(1, 0, earlier);
    const at::Tensor q = at::zeros({K, padded_rows(n * G), h}, all.options());
    const at::Tensor asked = q.narrow(1, 0, n * G).unflatten(1, {n, G});  // (K, n, G, h)
    asked.copy_(these.narrow(1, 0, config_.heads).view({n, K, G, h}).transpose(0, 1));
    const at::Tensor scores = at::empty({K, q.size(1), earlier + 1}, all.options());
    scores.narrow(2, 0, earlier).copy_(at::bmm(q, k));
    scores.narrow(2, earlier, 1)
        .zero_()
        .narrow(1, 0, n * G)
        .copy_(asked.mul(each(config_.heads)).sum(-1).view({K, n * G, 1}));
    const at::Tensor share = at::softmax(scores.mul_(scale), -1);
    const at::Tensor mixed = at::bmm(share.narrow(2, 0, earlier), v)
                                 .narrow(1, 0, n * G)
                                 .unflatten(1, {n, G})
                                 .add_(share.narrow(1, 0, n * G)
                                           .narrow(2, earlier, 1)
                                           .unflatten(1, {n, G})
                                           .mul(each(config_.heads + K)));
    out.narrow(0, group.first, n).view({n, K, G, h}).copy_(mixed.transpose(0, 1));
  }
  return out;
}

void Llama::drop_kv_cache(BatchState& batch) const {
  own(batch).kv_cache = {};
}

void Llama::continue_layer(core::Layer layer, const BatchState& batch, Continuation& rows,
                           StreamVisitor& visitor) const {
  const LayerWeights& weights = weights_.layer(layer);
  const at::Tensor places = all_places(rows, device_);
  visitor.at_point(points_.first_of(layer), {batch.batch, rows.stream, places});
  const at::Tensor attended =
      attend_rows(normalise(rows.stream, weights.attention_norm), weights, batch, rows);
  visitor.at_heads(layer, {batch.batch, attended, places});
  rows.stream.add_(linear(attended, weights.attention_out, weights.attention_out_bias));
  visitor.at_point(pre_mlp(layer), {batch.batch, rows.stream, places});
  const at::Tensor added = mlp(weights, rows.stream);
  visitor.at_mlp(layer, {batch.batch, added, places});
  rows.stream.add_(added);
}

void Llama::finish(const BatchState& batch, Continuation& rows, StreamVisitor& visitor) const {
  const at::Tensor places = all_places(rows, device_);
  visitor.at_point(points_.final_point(), {batch.batch, rows.stream, places});
}

}  // namespace orrery::model
