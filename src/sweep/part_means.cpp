#include "part_means.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/model/description.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/cost.hpp"
#include "orrery/statistics/exact_sum.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>

#include <memory>
#include <mutex>
#include <vector>

namespace orrery::sweep {
namespace {

/// Sums of the outputs (L, columns) of one kind of part, over the last tokens that pass by on any thread.
class PartSums {
 public:
  PartSums(std::int64_t layers, std::int64_t columns)
      : layers_(layers), columns_(columns), sums_(layers * columns) {}

  /// Throws bad_input where one is not finite.
  void add(core::Layer layer, const model::PartView& view) {
    const at::Tensor outputs = view.output.index_select(0, view.measured)
                                   .to(at::TensorOptions().dtype(at::kDouble).device(at::kCPU));
    if (!at::isfinite(outputs).all().item<bool>()) {
      throw core::bad_input("a part's output, of which the mean is taken, is not finite",
                            core::concat("layer ", layer.value()),
                            "check the model's weights; with --dtype bfloat16 try float32");
    }
    const double* value = outputs.const_data_ptr<double>();
    const std::lock_guard lock(mutex_);
    for (std::int64_t i = 0; i < outputs.numel(); ++i)
      sums_.add(layer.value() * columns_ + i % columns_, value[i]);
  }
  /// Collective: (L, columns) float64.
  at::Tensor means(const parallel::Communicator& ranks) {
    sums_.reduce(ranks);
    at::Tensor means = at::empty({layers_, columns_}, at::kDouble);
    for (std::int64_t i = 0; i < means.numel(); ++i) means.mutable_data_ptr<double>()[i] = sums_.mean(i);
    return means;
  }

 private:
  std::int64_t layers_, columns_;
  statistics::ExactSums sums_;
  std::mutex mutex_;
};

/// Adds the parts' outputs to the sums.
class PartVisitor final : public model::StreamVisitor {
 public:
  PartVisitor(PartSums& heads, PartSums& mlp) : heads_(heads), mlp_(mlp) {}
  void at_point(core::Point, const model::StreamView&) override {}
  void at_heads(core::Layer layer, const model::PartView& view) override { heads_.add(layer, view); }
  void at_mlp(core::Layer layer, const model::PartView& view) override { mlp_.add(layer, view); }

 private:
  PartSums& heads_;
  PartSums& mlp_;
};

}  // namespace

PartMeans part_means(const run::Context& context, const Sweep& sweep, model::Transformer& model,
                     schedule::Order order) {
  if (sweep.averaged.empty()) return {};
  const parallel::Communicator& ranks = context.ranks;
  const model::Shape& shape = model.description().shape();
  std::vector<std::vector<std::int32_t>> tokens;
  std::vector<std::int64_t> lengths;
  for (const Prompt& prompt : sweep.averaged) {
    tokens.push_back(prompt.tokens);
    lengths.push_back(std::ssize(prompt.tokens));
  }
  const std::vector<schedule::Tile> tiles = schedule::make_tiles(lengths, sweep.options.batch_tokens);
  const auto shares = schedule::deal(
      schedule::tile_costs(model.description(), model::Measured::last_token, tiles), ranks.size());
  std::vector<schedule::Tile> mine;
  for (const std::int64_t tile : shares[static_cast<std::size_t>(ranks.rank())])
    mine.push_back(tiles[static_cast<std::size_t>(tile)]);
  std::unique_ptr<PartSums> heads, mlp;
  parallel::agree(ranks, "making room for the parts' means", [&] {
    heads = std::make_unique<PartSums>(shape.layers(), shape.heads * shape.head_dim);
    mlp = std::make_unique<PartSums>(shape.layers(), shape.width);
  });
  context.progress.begin(
      {"means of the parts", std::ssize(tiles), "tiles", std::ssize(sweep.averaged), "samples"});
  schedule::ForwardPass(model, order, context.resources.at_once.tiles)
      .run(
          ranks, mine, {tokens, lengths, 0},
          [&](std::int64_t) { return std::make_unique<PartVisitor>(*heads, *mlp); }, context.progress);
  context.progress.end();
  return {heads->means(ranks), mlp->means(ranks)};
}

}  // namespace orrery::sweep
