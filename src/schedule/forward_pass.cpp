#include "orrery/schedule/forward_pass.hpp"

#include "orrery/core/failpoint.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/model/description.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"

#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <utility>

namespace orrery::schedule {
namespace {

/// Counts finished layers of tiles and tells the sink which share of the whole cost they are.
class Counter {
 public:
  Counter(core::ProgressSink& sink, std::span<const double> costs, std::int64_t layers)
      : sink_(sink), costs_(costs) {
    all_ = std::accumulate(costs.begin(), costs.end(), 0.0) * static_cast<double>(layers);
  }
  void add(std::int64_t tile) {
    const double cost = costs_[static_cast<std::size_t>(tile)];
    sink_.advance((done_.fetch_add(cost) + cost) / all_);
  }

 private:
  core::ProgressSink& sink_;
  std::span<const double> costs_;
  std::atomic<double> done_ = 0;
  double all_ = 0;
};

std::int64_t layers_of(const model::Transformer& model) {
  return model.description().shape().layers();
}

/// A batch, and the visitor that looks at it.
class VisitedTile final : public TileRun {
 public:
  VisitedTile(const model::Transformer& model, model::Batch batch,
              std::unique_ptr<model::StreamVisitor> visitor)
      : model_(model), batch_(std::move(batch)), visitor_(std::move(visitor)) {}

  void begin() override { state_ = model_.embed(std::move(batch_)); }
  void run_layer(core::Layer layer) override { model_.run_layer(layer, state_, *visitor_); }
  void finish() override { model_.finish(state_, *visitor_); }

 private:
  const model::Transformer& model_;
  model::Batch batch_;
  model::BatchState state_;
  std::unique_ptr<model::StreamVisitor> visitor_;
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

std::vector<std::int64_t> ForwardPass::run(const parallel::Communicator& ranks, std::span<const Tile> tiles,
                                           const Samples& samples, const VisitorMaker& make_visitor,
                                           core::ProgressSink& progress, const Cut& cut) {
  std::vector<double> costs;
  for (const Tile& tile : tiles) costs.push_back(static_cast<double>(tile.tokens()));
  const auto make_run = [&](std::int64_t i) {
    return std::make_unique<VisitedTile>(model_, make_batch(tiles[static_cast<std::size_t>(i)], samples),
                                         make_visitor(i));
  };
  return run(ranks, costs, make_run, progress, cut);
}

std::vector<std::int64_t> ForwardPass::run(const parallel::Communicator& ranks, std::span<const double> costs,
                                           const RunMaker& make_run, core::ProgressSink& progress,
                                           const Cut& cut) {
  Counter counter(progress, costs, layers_of(model_));
  const auto count_layer = [&](std::int64_t tile) { counter.add(tile); };
  if (order_ == Order::tiles) return run_tiles(ranks, std::ssize(costs), make_run, count_layer, cut);
  run_layers(ranks, std::ssize(costs), make_run, count_layer);
  std::vector<std::int64_t> all(costs.size());
  std::iota(all.begin(), all.end(), std::int64_t{0});
  return all;
}

std::vector<std::int64_t> ForwardPass::run_tiles(const parallel::Communicator& ranks, std::int64_t count,
                                                 const RunMaker& make_run,
                                                 const std::function<void(std::int64_t)>& count_layer,
                                                 const Cut& cut) {
  std::vector<char> ran(static_cast<std::size_t>(count), 0);
  parallel::agree(ranks, "the forward pass", [&] {
    parallel_for(count, threads_, [&](std::int64_t i) {
      if (i >= threads_ && cut()) return;
      ran[static_cast<std::size_t>(i)] = 1;
      core::failpoint("a tile");
      const c10::InferenceMode inference;
      const std::unique_ptr<TileRun> run = make_run(i);
      run->begin();
      for (core::Layer layer; layer.value() < layers_of(model_); ++layer) {
        run->run_layer(layer);
        count_layer(i);
      }
      run->finish();
    });
  });
  std::vector<std::int64_t> which;
  for (std::int64_t i = 0; i < count; ++i) {
    if (ran[static_cast<std::size_t>(i)] != 0) which.push_back(i);
  }
  return which;
}

void ForwardPass::run_layers(const parallel::Communicator& ranks, std::int64_t count,
                             const RunMaker& make_run, const std::function<void(std::int64_t)>& count_layer) {
  std::vector<std::unique_ptr<TileRun>> runs(static_cast<std::size_t>(count));
  const auto for_runs = [&](const char* phase, const auto& work) {
    parallel::agree(ranks, phase, [&] {
      parallel_for(count, threads_, [&](std::int64_t i) {
        const c10::InferenceMode inference;
        work(i, runs[static_cast<std::size_t>(i)]);
      });
    });
  };
  for_runs("the embedding", [&](std::int64_t i, std::unique_ptr<TileRun>& run) {
    run = make_run(i);
    run->begin();
  });
  for (core::Layer layer; layer.value() < layers_of(model_); ++layer) {
    model_.hold(layer);
    for_runs("the forward pass", [&](std::int64_t i, std::unique_ptr<TileRun>& run) {
      run->run_layer(layer);
      count_layer(i);
    });
  }
  for_runs("the end of the forward pass", [&](std::int64_t, std::unique_ptr<TileRun>& run) {
    run->finish();
    run.reset();
  });
}

}  // namespace orrery::schedule
