#pragma once

#include "orrery/core/progress.hpp"
#include "orrery/model/transformer.hpp"
#include "orrery/run/context.hpp"
#include "orrery/schedule/forward_pass.hpp"
#include "orrery/statistics/shards.hpp"
#include "orrery/trace/plan.hpp"
#include "orrery/trace/trace_input.hpp"
#include "orrery/trace/trace_options.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace orrery::trace {

/// Room for the rows of some tiles (numbers of the plan's), tile by tile.
struct TileRows {
  std::vector<std::int64_t> tiles;
  statistics::SampleShard shard;
  std::vector<std::int64_t> first_row;  ///< of each tile, and the end

  /// The rows of the i-th tile, in the same memory.
  statistics::SampleShard of(std::int64_t i) const;
  /// Those of some tiles, ascending: the same where it is all of them, else copied.
  statistics::SampleShard of(std::span<const std::int64_t> some) const;
};
TileRows make_room(std::vector<std::int64_t> tiles, const TracePlan& plan, const TraceInput& input,
                   const TraceOptions& options);

/// The model of a trace, ready to run: its weights on this rank's device, and the tiles of the plan.
class TraceForward {
 public:
  /// Collective: reads the weights. All that is given must outlive it.
  TraceForward(const TraceOptions& options, const TraceInput& input, const TracePlan& plan,
               const run::Context& context);

  /// Collective, also for a rank without tiles: fills in what tiles i, j, … of `rows` leave at every capture
  /// point. `cut` ends it early (ForwardPass). Returns which of `which` ran. Throws bad_input on all ranks
  /// where a number is not finite.
  std::vector<std::int64_t> run(TileRows& rows, const std::vector<std::int64_t>& which,
                                core::ProgressSink& progress,
                                const schedule::ForwardPass::Cut& cut = schedule::ForwardPass::never);

  /// Collective: gives the weights back.
  void free() { model_->free(); }

 private:
  const TraceOptions& options_;
  const TraceInput& input_;
  const TracePlan& plan_;
  const run::Context& context_;
  std::unique_ptr<model::Transformer> model_;
};

}  // namespace orrery::trace
