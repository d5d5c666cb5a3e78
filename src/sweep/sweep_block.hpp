#pragma once

#include "orrery/model/transformer.hpp"
#include "orrery/run/model_input.hpp"
#include "orrery/schedule/block.hpp"
#include "orrery/schedule/forward_pass.hpp"
#include "sweep_result.hpp"
#include "sweep_rows.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace orrery::sweep {

/// One block of a sweep on its way through the model: a batch of prompts, and beside it the rows that branch
/// off at their layers.
class SweepBlock final : public schedule::TileRun {
 public:
  /// Fills `results` in, one a prompt of the block's tile. All that is given must outlive it.
  SweepBlock(const SweepOnDevice& sweep, const run::ModelInput& input, const model::Transformer& model,
             const schedule::Block& block, std::vector<PromptResult>& results);

  void begin() override;
  void run_layer(core::Layer layer) override;
  /// Throws bad_input where a measured number is not finite.
  void finish() override;

 private:
  struct Rows {
    std::unique_ptr<PerturbedRows> visitor;
    model::Continuation continuation;
  };
  void join(core::Layer layer, Rows& rows);
  void read_out(Rows& rows);

  const SweepOnDevice& sweep_;
  const run::ModelInput& input_;
  const model::Transformer& model_;
  const schedule::Block& block_;
  std::vector<PromptResult>& results_;
  model::BatchState batch_;
  std::unique_ptr<UnperturbedRows> unperturbed_;
  std::vector<Rows> rows_;
};

}  // namespace orrery::sweep
