#pragma once

#include "orrery/core/progress.hpp"
#include "orrery/model/transformer.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/schedule/tiles.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace orrery::schedule {

/// `tiles`: weights stay, tiles pass through all layers. `layers`: one layer in memory, all tiles pass
/// through it, their streams wait between layers. The same bits.
enum class Order { tiles, layers };

/// What runs: of sample n the first `lengths[n]` of its ids `tokens[n]`. Attention is causal: what comes
/// behind the measured tokens would change nothing.
struct Samples {
  std::span<const std::vector<std::int32_t>> tokens;
  std::span<const std::int64_t> lengths;
  std::int64_t leading = 0;  ///< special tokens in front of each (BOS): not measured with all_tokens
};

/// One tile's samples as a padded batch.
model::Batch make_batch(const Tile& tile, const Samples& samples);

/// One tile's batch on its way through the model. Made, run and gone on one thread at a time.
class TileRun {
 public:
  virtual ~TileRun() = default;
  virtual void begin() = 0;
  /// Called for each layer in order.
  virtual void run_layer(core::Layer layer) = 0;
  virtual void finish() = 0;
};

/// Runs this rank's tiles through a model, `threads` of them at a time.
class ForwardPass {
 public:
  /// Makes the run of tile i, the i-th of those given to `run`; or its visitor. Called from the thread that
  /// runs the tile.
  using RunMaker = std::function<std::unique_ptr<TileRun>(std::int64_t)>;
  using VisitorMaker = std::function<std::unique_ptr<model::StreamVisitor>(std::int64_t)>;

  /// Whether to end early; asked from the threads that run tiles.
  using Cut = std::function<bool()>;
  static bool never() { return false; }

  ForwardPass(model::Transformer& model, Order order, int threads)
      : model_(model), order_(order), threads_(threads) {}

  /// Collective over `ranks`, also for a rank without tiles: an error on one is thrown on all. `costs` of the
  /// tiles tell the sink how far the pass is. Once `cut` says so, this rank begins no further tile but its
  /// threads' first ones; with Order::layers all tiles are begun at once. Returns which of them ran,
  /// ascending.
  std::vector<std::int64_t> run(const parallel::Communicator& ranks, std::span<const double> costs,
                                const RunMaker& make_run, core::ProgressSink& progress,
                                const Cut& cut = never);
  /// The same of plain batches that a visitor each looks at.
  std::vector<std::int64_t> run(const parallel::Communicator& ranks, std::span<const Tile> tiles,
                                const Samples& samples, const VisitorMaker& make_visitor,
                                core::ProgressSink& progress, const Cut& cut = never);

 private:
  std::vector<std::int64_t> run_tiles(const parallel::Communicator& ranks, std::int64_t count,
                                      const RunMaker& make_run,
                                      const std::function<void(std::int64_t)>& count_layer, const Cut& cut);
  void run_layers(const parallel::Communicator& ranks, std::int64_t count, const RunMaker& make_run,
                  const std::function<void(std::int64_t)>& count_layer);

  model::Transformer& model_;
  Order order_;
  int threads_;
};

}  // namespace orrery::schedule
