#include "orrery/model/weight_check.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/heartbeat.hpp"
#include "orrery/model/weights.hpp"
#include "orrery/text/printable.hpp"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/isnan.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string_view>

namespace orrery::model {
namespace {

using core::bad_input;
using core::concat;

constexpr std::string_view embedding = "model.embed_tokens.weight";

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
  if (checkpoint.has(std::string(embedding))) return;
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
                    concat("seen: ", some_of(names), "; wanted: ", embedding,
                           ", model.layers.0.input_layernorm.weight, …"),
                    advice);
  }
  const bool any_of_ours =
      std::ranges::any_of(names, [](const auto& name) { return name.starts_with("model.layers."); });
  if (any_of_ours) return;
  throw bad_input("the weights' names are not those of a Llama",
                  concat("seen: ", names.empty() ? "none" : some_of(names), "; wanted: ", embedding,
                         ", model.layers.0.input_layernorm.weight, …"),
                  "give a Llama's weights as Hugging Face names them, or rename the tensors");
}

/// "model.layers.*.self_attn.q_proj.bias" for a tensor of one of the model's layers; "model.layers.7.*" for
/// one of a layer beyond them.
std::string pattern_of(const std::string& name, std::int64_t layers) {
  constexpr std::string_view before = "model.layers.";
  if (!name.starts_with(before)) return name;
  const std::size_t dot = name.find('.', before.size());
  if (dot == std::string::npos) return name;
  std::int64_t layer = -1;
  const char* end = name.data() + dot;
  const auto [stop, fault] = std::from_chars(name.data() + before.size(), end, layer);
  if (fault != std::errc() || stop != end || layer < 0) return name;
  if (layer >= layers) return concat(before, layer, ".*");
  return concat(before, "*", name.substr(dot));
}

at::ScalarType type_of(const std::string& format) {
  if (format == "F32") return at::kFloat;
  if (format == "F16") return at::kHalf;
  return format == "BF16" ? at::kBFloat16 : at::kDouble;
}

}  // namespace

void check_weights(const LlamaConfig& config, const Checkpoint& checkpoint) {
  require_plain_names(checkpoint);
  if (!config.tied_embedding && !checkpoint.has("lm_head.weight")) {
    throw bad_input("lm_head.weight is missing",
                    concat("tie_word_embeddings is false in config.json of ", checkpoint.folder().string()),
                    "set tie_word_embeddings to true, or add the weight");
  }
  for (const auto& [name, shape] : needed_weights(config)) checkpoint.require(name, shape);
}

std::vector<std::string> unread_weights(const LlamaConfig& config, const Checkpoint& checkpoint) {
  std::set<std::string> needed, unread;
  for (const auto& [name, shape] : needed_weights(config)) needed.insert(name);
  for (const std::string& name : checkpoint.names()) {
    // The library passes these over too: it makes them anew.
    if (needed.contains(name) || name.find("rotary_emb.inv_freq") != std::string::npos) continue;
    unread.insert(text::printable(pattern_of(name, config.layers)));
  }
  return {unread.begin(), unread.end()};
}

std::optional<NotFinite> weight_not_finite(const LlamaConfig& config, const Checkpoint& checkpoint,
                                           DType dtype) {
  std::vector<std::byte> room;
  for (const auto& [name, shape] : needed_weights(config)) {
    const at::ScalarType type = type_of(checkpoint.number_format(name));
    std::optional<NotFinite> fault;
    checkpoint.read(name, shape, 1, room, [&](std::int64_t, std::int64_t, std::span<const std::byte> bytes) {
      core::beat();
      if (fault) return;
      const auto count = static_cast<std::int64_t>(bytes.size() / c10::elementSize(type));
      // from_blob takes no const; nothing here writes.
      const at::Tensor numbers =
          at::from_blob(const_cast<std::byte*>(bytes.data()), {count}, at::TensorOptions().dtype(type));
      if (at::isfinite(numbers.to(scalar_type(dtype))).all().item<bool>()) return;
      const bool nan = at::isnan(numbers).any().item<bool>();
      const bool is_finite = at::isfinite(numbers).all().item<bool>();
      const std::string what = nan         ? "NaN"
                               : is_finite ? concat("a number beyond ", name_of(dtype))
                                           : "infinity";
      fault = NotFinite{concat(what, " in ", name, " of ", checkpoint.file_of(name)), is_finite};
    });
    if (fault) return fault;
  }
  return std::nullopt;
}

}  // namespace orrery::model
