#include "trace_forward.hpp"

#include "orrery/core/failpoint.hpp"
#include "orrery/model/capture.hpp"
#include "orrery/parallel/agreement.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>

#include <memory>
#include <utility>

namespace orrery::trace {
namespace {

model::LoadOptions load_options(const TraceOptions& options, const TraceInput& input, const TracePlan& plan,
                                const run::Resources& resources) {
  return {{*options.dtype, options.residual},
          input.measured,
          resources.device,
          plan.order == schedule::Order::tiles ? model::Residency::all_layers : model::Residency::one_layer,
          model::Head::none};
}

}  // namespace

statistics::SampleShard TileRows::of(std::int64_t i) const {
  const auto index = static_cast<std::size_t>(i);
  const std::int64_t first = first_row[index];
  const std::int64_t end = first_row[index + 1];
  return {{shard.samples.begin() + first, shard.samples.begin() + end},
          shard.x.narrow(0, first, end - first)};
}

statistics::SampleShard TileRows::of(std::span<const std::int64_t> some) const {
  if (some.size() == tiles.size()) return shard;
  statistics::SampleShard result;
  std::vector<at::Tensor> pieces = {shard.x.narrow(0, 0, 0)};
  for (const std::int64_t i : some) {
    const statistics::SampleShard one = of(i);
    result.samples.insert(result.samples.end(), one.samples.begin(), one.samples.end());
    pieces.push_back(one.x);
  }
  result.x = at::cat(pieces);
  return result;
}

TileRows make_room(std::vector<std::int64_t> tiles, const TracePlan& plan, const TraceInput& input,
                   const TraceOptions& options) {
  TileRows rows;
  rows.first_row = {0};
  for (const std::int64_t tile : tiles) {
    for (const core::Sample sample : plan.tiles[static_cast<std::size_t>(tile)].samples) {
      rows.shard.samples.insert(rows.shard.samples.end(), static_cast<std::size_t>(input.rows_of(sample)),
                                sample);
    }
    rows.first_row.push_back(std::ssize(rows.shard.samples));
  }
  rows.tiles = std::move(tiles);
  const statistics::Extent extent = extent_of(input);
  const at::ScalarType kept = options.residual == model::DType::float64 ? at::kDouble : at::kFloat;
  rows.shard.x = at::empty({rows.first_row.back(), extent.points, extent.units}, kept);
  return rows;
}

TraceForward::TraceForward(const TraceOptions& options, const TraceInput& input, const TracePlan& plan,
                           const run::Context& context)
    : options_(options),
      input_(input),
      plan_(plan),
      context_(context),
      model_(input.model->load(input.weights(), load_options(options, input, plan, context.resources),
                               context.ranks, context.node)) {}

std::vector<std::int64_t> TraceForward::run(TileRows& rows, const std::vector<std::int64_t>& which,
                                            core::ProgressSink& progress,
                                            const schedule::ForwardPass::Cut& cut) {
  std::vector<schedule::Tile> mine;
  for (const std::int64_t i : which) {
    mine.push_back(plan_.tiles[static_cast<std::size_t>(rows.tiles[static_cast<std::size_t>(i)])]);
  }
  const auto capture = [&](std::int64_t k) {
    return std::make_unique<model::Capture>(rows.of(which[static_cast<std::size_t>(k)]).x);
  };
  schedule::ForwardPass pass(*model_, plan_.order, context_.resources.at_once.tiles);
  std::vector<std::int64_t> ran =
      pass.run(context_.ranks, mine, input_.forward_samples(), capture, progress, cut);
  parallel::agree(context_.ranks, "checking the activations", [&] {
    for (std::int64_t& k : ran) {
      k = which[static_cast<std::size_t>(k)];
      const statistics::SampleShard shard = rows.of(k);
      core::failpoint("activations", {static_cast<std::byte*>(shard.x.data_ptr()), shard.x.nbytes()});
      if (const auto fault =
              statistics::find_fault(shard, statistics::longest_stream(model_->norm_dtype()))) {
        throw run::stream_error(input_, *options_.dtype, options_.residual, *fault);
      }
    }
  });
  return ran;
}

}  // namespace orrery::trace
