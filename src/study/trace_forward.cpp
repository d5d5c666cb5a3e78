#include "trace_forward.hpp"

#include "orrery/model/capture.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/forward_pass.hpp"

#include <ATen/ops/empty.h>

#include <memory>

namespace orrery::study {
namespace {

model::LlamaWeights::Placement placement(const TraceOptions& options, const TracePlan& plan,
                                         const Resources& resources, const model::Llama& llama) {
  return {*options.dtype, llama.norm_dtype(), resources.device,
          plan.order == schedule::Order::tiles ? model::Residency::all_layers : model::Residency::one_layer,
          model::Head::none};
}

}  // namespace

TraceForward::TraceForward(const TraceOptions& options, const TraceInput& input, const TracePlan& plan,
                           const Resources& resources, const parallel::Communicator& ranks,
                           const parallel::Communicator& node)
    : options_(options),
      input_(input),
      plan_(plan),
      resources_(resources),
      ranks_(ranks),
      llama_(input.config, *options.dtype, options.residual, input.measured, resources.device),
      weights_(input.config, input.weights(), placement(options, plan, resources, llama_), ranks, node) {}

statistics::SampleShard TraceForward::rows(const std::vector<std::int64_t>& tiles,
                                           core::ProgressSink& progress) {
  statistics::SampleShard shard;
  std::vector<schedule::Tile> mine;
  std::vector<std::int64_t> first_row = {0};
  const statistics::Extent extent = extent_of(input_);
  parallel::agree(ranks_, "making room for the rows", [&] {
    for (const std::int64_t tile : tiles) {
      mine.push_back(plan_.tiles[static_cast<std::size_t>(tile)]);
      for (const core::Sample sample : mine.back().samples) {
        shard.samples.insert(shard.samples.end(), static_cast<std::size_t>(input_.rows_of(sample)), sample);
      }
      first_row.push_back(std::ssize(shard.samples));
    }
    const at::ScalarType kept = options_.residual == model::DType::float64 ? at::kDouble : at::kFloat;
    shard.x = at::empty({std::ssize(shard.samples), extent.points, extent.units}, kept);
  });
  const auto capture = [&](std::int64_t i) {
    const auto index = static_cast<std::size_t>(i);
    return std::make_unique<model::Capture>(
        shard.x.narrow(0, first_row[index], first_row[index + 1] - first_row[index]));
  };
  schedule::ForwardPass pass(llama_, weights_, plan_.order, resources_.threads);
  pass.run(ranks_, mine, input_.forward_samples(), capture, progress);
  parallel::agree(ranks_, "checking the activations", [&] { statistics::check_finite(shard); });
  return shard;
}

}  // namespace orrery::study
