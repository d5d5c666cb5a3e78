#include "orrery/schedule/forward_pass.hpp"

#include "orrery/core/narrow.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"

#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <atomic>

namespace orrery::schedule {
namespace {

/// Counts finished token-layers and tells the sink which share of all they are.
class Counter {
 public:
  Counter(core::ProgressSink& sink, std::span<const Tile> tiles, std::int64_t layers) : sink_(sink) {
    for (const Tile& tile : tiles) all_ += tile.tokens() * layers;
  }
  void add(const Tile& tile) {
    sink_.advance(static_cast<double>(done_ += tile.tokens()) / static_cast<double>(all_));
  }

 private:
  core::ProgressSink& sink_;
  std::atomic<std::int64_t> done_ = 0;
  std::int64_t all_ = 0;
};

}  // namespace

model::Batch make_batch(const Tile& tile, const Samples& samples) {
  model::Batch batch;
  batch.leading = samples.leading;
  batch.tokens = at::zeros({std::ssize(tile.samples), tile.length}, at::kLong);
  auto* row = batch.tokens.data_ptr<std::int64_t>();
  for (const core::Sample sample : tile.samples) {
    const auto n = core::narrow<std::size_t>(sample.value());
    const std::int64_t length = samples.lengths[n];
    std::copy_n(samples.tokens[n].begin(), length, row);
    batch.lengths.push_back(length);
    row += tile.length;
  }
  return batch;
}

void ForwardPass::run(const parallel::Communicator& ranks, std::span<const Tile> tiles,
                      const Samples& samples, const VisitorMaker& make_visitor,
                      core::ProgressSink& progress) {
  const std::int64_t layers = llama_.config().layers;
  Counter counter(progress, tiles, layers);
  const auto tile_at = [&](std::int64_t i) -> const Tile& { return tiles[static_cast<std::size_t>(i)]; };
  if (order_ == Order::tiles) {
    parallel::agree(ranks, "the forward pass", [&] {
      parallel_for(std::ssize(tiles), threads_, [&](std::int64_t i) {
        const c10::InferenceMode inference;
        const auto visitor = make_visitor(i);
        model::BatchState state = llama_.embed(make_batch(tile_at(i), samples), weights_.outer());
        for (core::Layer layer; layer.value() < layers; ++layer) {
          llama_.run_layer(layer, weights_.layer(layer), state, *visitor);
          counter.add(tile_at(i));
        }
        llama_.finish(state, *visitor);
      });
    });
    return;
  }
  std::vector<model::BatchState> states(tiles.size());
  std::vector<std::unique_ptr<model::StreamVisitor>> visitors(tiles.size());
  parallel::agree(ranks, "the embedding", [&] {
    parallel_for(std::ssize(tiles), threads_, [&](std::int64_t i) {
      const c10::InferenceMode inference;
      visitors[static_cast<std::size_t>(i)] = make_visitor(i);
      states[static_cast<std::size_t>(i)] = llama_.embed(make_batch(tile_at(i), samples), weights_.outer());
    });
  });
  for (core::Layer layer; layer.value() < layers; ++layer) {
    const model::LayerWeights& weights = weights_.layer(layer);
    parallel::agree(ranks, "the forward pass", [&] {
      parallel_for(std::ssize(tiles), threads_, [&](std::int64_t i) {
        const c10::InferenceMode inference;
        const auto index = static_cast<std::size_t>(i);
        llama_.run_layer(layer, weights, states[index], *visitors[index]);
        counter.add(tile_at(i));
        if (layer.value() + 1 == layers) llama_.finish(states[index], *visitors[index]);
      });
    });
  }
}

}  // namespace orrery::schedule
