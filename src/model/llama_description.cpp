#include "orrery/model/llama_description.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/model/llama.hpp"
#include "orrery/model/llama_weights.hpp"
#include "orrery/text/printable.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace orrery::model {
namespace {

using core::bad_input;
using core::concat;

constexpr std::string_view embedding_name = "model.embed_tokens.weight";

std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 3); ++i)
    text += (i > 0 ? ", " : "") + text::printable(names[i]);
  return names.size() > 3 ? text + ", …" : text;
}

/// Throws where the file's names are not those of a bare LlamaForCausalLM.
void require_plain_names(const Checkpoint& checkpoint) {
  const std::vector<std::string> names = checkpoint.names();
  for (const std::string& name : names) {
    for (const char* end : {".qweight", ".qzeros", ".weight_packed", ".weight_scale", ".weight_scale_inv",
                            ".absmax", ".quant_map", ".weight.quant_state.bitsandbytes__nf4"}) {
      if (!name.ends_with(end)) continue;
      throw bad_input("the weights are quantised, which orrery doesn't compute", text::printable(name),
                      "give the unquantised model, or dequantise it");
    }
  }
  if (checkpoint.has(std::string(embedding_name))) return;
  const std::string_view bare = "embed_tokens.weight";
  for (const std::string& name : names) {
    if (!name.ends_with(bare) || (name.size() > bare.size() && name[name.size() - bare.size() - 1] != '.'))
      continue;
    const std::string prefix = name.substr(0, name.size() - bare.size());
    const char* advice =
        prefix.empty() ? "save the whole LlamaForCausalLM, not its inner model alone, or rename the tensors"
        : prefix.find("base_model.") != std::string::npos
            ? "merge the adapter into its base model (peft's merge_and_unload), and save that"
            : "save the model without what wraps it, or rename the tensors";
    throw bad_input(prefix.empty() ? "the weights' names lack the prefix model."
                                   : concat("the weights' names begin with ", text::printable(prefix),
                                            ", not with model."),
                    concat("seen: ", some_of(names), "; wanted: ", embedding_name,
                           ", model.layers.0.input_layernorm.weight, …"),
                    advice);
  }
  const bool any_of_ours =
      std::ranges::any_of(names, [](const auto& name) { return name.starts_with("model.layers."); });
  if (any_of_ours) return;
  throw bad_input("the weights' names are not those of a Llama",
                  concat("seen: ", names.empty() ? "none" : some_of(names), "; wanted: ", embedding_name,
                         ", model.layers.0.input_layernorm.weight, …"),
                  "give a Llama's weights as Hugging Face names them, or rename the tensors");
}

/// Multiplications of a layer's products, for a row of all of them.
double products_of_a_row(const LlamaConfig& c) {
  return static_cast<double>(c.width * (2 * c.query_rows() + 2 * c.kv_rows()) + 3 * c.width * c.mlp_width);
}

}  // namespace

LlamaDescription::LlamaDescription(LlamaConfig config) : config_(std::move(config)) {
  take_shape();
}

void LlamaDescription::take_shape() {
  const LlamaConfig& c = config_;
  shape_ = {.architecture = c.architecture,
            .points = c.point_map(),
            .width = c.width,
            .heads = c.heads,
            .kv_heads = c.kv_heads,
            .head_dim = c.head_dim,
            .mlp_width = c.mlp_width,
            .vocabulary = c.vocabulary,
            .positions = c.positions,
            .parameters = c.parameters()};
  unread_keys_ = c.unread;
}

ForwardFlop LlamaDescription::forward_flop(Measured measured, const BatchShape& batch) const {
  const LlamaConfig& c = config_;
  const auto all = static_cast<double>(batch.tokens());
  const double last = measured == Measured::last_token ? static_cast<double>(batch.samples) : all;
  const auto length = static_cast<double>(batch.length);
  const auto query = static_cast<double>(c.width * c.query_rows());
  const auto key_value = static_cast<double>(c.width * 2 * c.kv_rows());
  const auto mlp = static_cast<double>(3 * c.width * c.mlp_width);
  const auto heads = static_cast<double>(c.query_rows());
  const auto before_last = static_cast<double>(c.layers - 1);
  ForwardFlop flop;
  flop.product =
      2 * (before_last * all * (2 * query + key_value + mlp) + all * key_value + last * (2 * query + mlp));
  flop.attention = 4 * heads * length * (before_last * all + last);
  return flop;
}

ForwardFlop LlamaDescription::continuation_flop(core::Layer start, std::int64_t rows,
                                                std::int64_t length) const {
  const LlamaConfig& c = config_;
  const auto layers = static_cast<double>(c.layers - start.value());
  const auto count = static_cast<double>(rows);
  const auto head = static_cast<double>(c.width * c.vocabulary);
  return {.product = 2 * count * (layers * products_of_a_row(c) + head),
          .attention = 4 * count * layers * static_cast<double>(c.query_rows() * length)};
}

std::int64_t LlamaDescription::waiting_bytes(const BatchShape& batch, const NumberFormats& formats) const {
  const std::int64_t mask =
      config_.heads / config_.kv_heads * batch.length * batch.length * formats.norm_bytes();
  return continuation_waiting_bytes(padded_rows(batch.tokens()), formats) + mask;
}

std::int64_t LlamaDescription::working_bytes(const BatchShape& batch, const NumberFormats& formats) const {
  const LlamaConfig& c = config_;
  const std::int64_t rows = padded_rows(batch.tokens());
  const std::int64_t type = bytes_of(formats.dtype), norm = formats.norm_bytes();
  const std::int64_t heads = c.query_rows() + 2 * c.kv_rows();
  const std::int64_t scores = c.heads * batch.tokens() * batch.length * norm;
  // The two phases of a layer, each at its widest: attention with its scores and their softmax, and the
  // MLP.
  const std::int64_t attention = rows * (c.width * type + heads * (type + 2 * norm)) + 2 * scores +
                                 rows * c.query_rows() * (type + norm);
  const std::int64_t mlp = rows * (c.width * type + 3 * c.mlp_width * type);
  return std::max(attention, mlp);
}

std::int64_t LlamaDescription::kv_cache_bytes(const BatchShape& batch, const NumberFormats& formats) const {
  return 2 * batch.tokens() * config_.kv_rows() * formats.norm_bytes();
}

std::int64_t LlamaDescription::continuation_waiting_bytes(std::int64_t rows,
                                                          const NumberFormats& formats) const {
  return rows * (config_.width * bytes_of(formats.residual) + config_.head_dim * formats.norm_bytes());
}

std::int64_t LlamaDescription::continuation_working_bytes(std::int64_t rows, std::int64_t group,
                                                          std::int64_t length,
                                                          const NumberFormats& formats) const {
  const LlamaConfig& c = config_;
  const std::int64_t type = bytes_of(formats.dtype), norm = formats.norm_bytes();
  const std::int64_t heads = c.query_rows() + 2 * c.kv_rows();
  const std::int64_t scores = c.heads * padded_rows(group) * length * norm;
  const std::int64_t attention = rows * (c.width * type + heads * (type + norm) + c.query_rows() * type) +
                                 2 * scores + 3 * group * c.query_rows() * norm;
  const std::int64_t mlp = rows * (2 * c.width * type + 3 * c.mlp_width * type);
  return std::max(attention, mlp);
}

std::int64_t LlamaDescription::logits_bytes(std::int64_t rows, const NumberFormats& formats) const {
  const std::int64_t type = bytes_of(formats.dtype), norm = formats.norm_bytes();
  return config_.vocabulary * rows * (type == norm ? type : type + norm);
}

std::int64_t LlamaDescription::layer_bytes(DType dtype) const {
  return model::layer_bytes(config_, dtype);
}

std::int64_t LlamaDescription::outer_bytes(DType dtype, Head head) const {
  return model::outer_bytes(config_, dtype, head);
}

std::vector<NeededWeight> LlamaDescription::needed_weights() const {
  return model::needed_weights(config_);
}

void LlamaDescription::settle(const Checkpoint& checkpoint) {
  // As transformers: weights that are there are not tied, unless they are equal, which gives the same
  // numbers.
  if (checkpoint.has("lm_head.weight")) config_.tied_embedding = false;
  take_shape();
  require_plain_names(checkpoint);
  if (!config_.tied_embedding && !checkpoint.has("lm_head.weight")) {
    throw bad_input("lm_head.weight is missing",
                    concat("tie_word_embeddings is false in config.json of ", checkpoint.folder().string()),
                    "set tie_word_embeddings to true, or add the weight");
  }
  Description::settle(checkpoint);
}

/// "model.layers.*.self_attn.q_proj.bias" for a tensor of one of the model's layers; "model.layers.7.*" for
/// one of a layer beyond them.
std::string LlamaDescription::pattern_of(const std::string& name) const {
  constexpr std::string_view before = "model.layers.";
  if (!name.starts_with(before)) return name;
  const std::size_t dot = name.find('.', before.size());
  if (dot == std::string::npos) return name;
  std::int64_t layer = -1;
  const char* end = name.data() + dot;
  const auto [stop, fault] = std::from_chars(name.data() + before.size(), end, layer);
  if (fault != std::errc() || stop != end || layer < 0) return name;
  if (layer >= config_.layers) return concat(before, layer, ".*");
  return concat(before, "*", name.substr(dot));
}

bool LlamaDescription::makes_anew(const std::string& name) const {
  return name.find("rotary_emb.inv_freq") != std::string::npos;  // as the library does
}

std::unique_ptr<Transformer> LlamaDescription::load(const TensorSource& source, const LoadOptions& options,
                                                    const parallel::Communicator& ranks,
                                                    const parallel::Communicator& node) const {
  return std::make_unique<Llama>(*this, source, options, ranks, node);
}

std::unique_ptr<Description> read_llama(const std::filesystem::path& folder) {
  return std::make_unique<LlamaDescription>(read_llama_config(folder));
}

}  // namespace orrery::model
