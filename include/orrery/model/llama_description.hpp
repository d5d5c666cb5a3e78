#pragma once

#include "orrery/model/description.hpp"
#include "orrery/model/llama_config.hpp"

#include <filesystem>
#include <memory>

namespace orrery::model {

/// A Llama before its weights are read: its sizes, what it takes, and its weights as Hugging Face names
/// them.
class LlamaDescription final : public Description {
 public:
  explicit LlamaDescription(LlamaConfig config);

  const LlamaConfig& config() const { return config_; }

  ForwardFlop forward_flop(Measured measured, const BatchShape& batch) const override;
  ForwardFlop continuation_flop(core::Layer start, std::int64_t rows, std::int64_t length) const override;
  std::int64_t waiting_bytes(const BatchShape& batch, const NumberFormats& formats) const override;
  std::int64_t working_bytes(const BatchShape& batch, const NumberFormats& formats) const override;
  std::int64_t kv_cache_bytes(const BatchShape& batch, const NumberFormats& formats) const override;
  std::int64_t continuation_waiting_bytes(std::int64_t rows, const NumberFormats& formats) const override;
  std::int64_t continuation_working_bytes(std::int64_t rows, std::int64_t group, std::int64_t length,
                                          const NumberFormats& formats) const override;
  std::int64_t logits_bytes(std::int64_t rows, const NumberFormats& formats) const override;
  std::int64_t layer_bytes(DType dtype) const override;
  std::int64_t outer_bytes(DType dtype, Head head) const override;
  std::vector<NeededWeight> needed_weights() const override;
  /// Where the names in the file are those of a wrapped, quantised or other model it says so.
  void settle(const Checkpoint& checkpoint) override;
  std::string pattern_of(const std::string& name) const override;
  bool makes_anew(const std::string& name) const override;
  double initial_spread() const override { return config_.initializer_range; }
  std::unique_ptr<Transformer> load(const TensorSource& source, const LoadOptions& options,
                                    const parallel::Communicator& ranks,
                                    const parallel::Communicator& node) const override;

 private:
  void take_shape();

  LlamaConfig config_;
};

/// As read_llama_config.
std::unique_ptr<Description> read_llama(const std::filesystem::path& folder);

}  // namespace orrery::model
