#pragma once

#include "orrery/core/progress.hpp"
#include "orrery/model/llama.hpp"
#include "orrery/model/weights.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/shards.hpp"
#include "orrery/study/plan.hpp"
#include "orrery/study/resources.hpp"
#include "orrery/study/trace_input.hpp"
#include "orrery/study/trace_options.hpp"

#include <cstdint>
#include <vector>

namespace orrery::study {

/// The model of a trace, ready to run: its weights on this rank's device, and the tiles of the plan.
class TraceForward {
 public:
  /// Collective: reads the weights. All that is given must outlive it.
  TraceForward(const TraceOptions& options, const TraceInput& input, const TracePlan& plan,
               const Resources& resources, const parallel::Communicator& ranks,
               const parallel::Communicator& node);

  /// Collective, also for a rank without tiles: the rows that this rank's `tiles` (numbers of the plan's)
  /// leave at every capture point, tile by tile. Throws bad_input on all ranks where a number is not finite.
  statistics::SampleShard rows(const std::vector<std::int64_t>& tiles, core::ProgressSink& progress);

  /// Collective: gives the weights back.
  void free() { weights_.free(); }

 private:
  const TraceOptions& options_;
  const TraceInput& input_;
  const TracePlan& plan_;
  const Resources& resources_;
  const parallel::Communicator& ranks_;
  model::Llama llama_;
  model::LlamaWeights weights_;
};

}  // namespace orrery::study
