// By how much a point of a sweep is cheaper than the run of a whole prompt that it stands for. All figures
// are ratios within one run, of one thread: medians of alternated repetitions.
//
//   orrery_sweep_benchmark --model DIR --corpus FILE [--dtype bfloat16]
#include "measure.hpp"
#include "orrery/core/error.hpp"
#include "orrery/model/capture.hpp"
#include "orrery/schedule/block.hpp"
#include "orrery/schedule/forward_pass.hpp"
#include "orrery/statistics/perturbation.hpp"
#include "orrery/sweep/sweep.hpp"
#include "sweep_block.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace orrery {
namespace {

constexpr std::int64_t prompt_count = 4;  // of 123 tokens, they fill a tile of 512

/// Prompts of `length` tokens each: a corpus's rows end to end, cut.
std::vector<sweep::Prompt> prompts_of(const std::vector<std::vector<std::int32_t>>& rows,
                                      std::int64_t length) {
  std::vector<std::int32_t> all;
  for (const auto& row : rows) all.insert(all.end(), row.begin(), row.end());
  if (std::ssize(all) < prompt_count * length) {
    throw core::bad_input("the corpus is too short", std::to_string(all.size()) + " tokens",
                          "give a longer one, or fewer --prompt-tokens");
  }
  std::vector<sweep::Prompt> prompts;
  for (std::int64_t n = 0; n < prompt_count; ++n)
    prompts.push_back({n, n, {all.begin() + n * length, all.begin() + (n + 1) * length}, ""});
  return prompts;
}

/// Teleports alone, at `layers`, by default the paper's. Time doesn't depend on where they go: any directions
/// span the plane.
sweep::Sweep sweep_of(const model::LlamaConfig& config, model::DType dtype, std::int64_t grid,
                      const std::vector<std::int64_t>& layers, std::vector<sweep::Prompt> prompts) {
  constexpr std::int64_t scores = 8;
  sweep::Sweep sweep;
  sweep.options.kinds = {.teleport = true, .noise = false, .ablate = false};
  sweep.options.control = sweep::Control::none;
  sweep.options.grid = grid;
  sweep.options.dtype = dtype;
  sweep.options.residual = model::DType::float32;
  sweep.trace.points = config.point_map();
  sweep.trace.units = config.width;
  sweep.trace.heads = config.heads;
  sweep.prompts = std::move(prompts);
  for (const std::int64_t layer : layers) sweep.start_layers.emplace_back(layer);
  if (layers.empty()) sweep.start_layers = statistics::start_layers(config.layers);
  sweep.grids = {statistics::teleport_grid({{{-100, 100}, {-100, 100}}}, grid, 0)};
  sweep.components = statistics::random_directions(scores, config.width, 0, core::Purpose::direction);
  sweep.plane = {at::zeros({config.width}, at::kDouble), sweep.components.narrow(0, 0, 2).clone()};
  sweep.mean_score = at::zeros({scores}, at::kDouble);
  sweep.scores = scores;
  sweep.spread = at::ones({sweep.points()}, at::kDouble);
  return sweep;
}

/// Prompts run as a whole, up to their next-token logits.
class WholePrompts final : public schedule::TileRun {
 public:
  WholePrompts(const model::Transformer& model, model::Batch batch)
      : model_(model),
        batch_(std::move(batch)),
        capture_(at::empty({std::ssize(batch_.lengths), model.description().shape().points.size(),
                            model.description().shape().width},
                           at::kFloat)) {}

  void begin() override { state_ = model_.embed(batch_); }
  void run_layer(core::Layer layer) override { model_.run_layer(layer, state_, capture_); }
  void finish() override {
    model_.finish(state_, capture_);
    model_.logits(state_);
  }

 private:
  const model::Transformer& model_;
  model::Batch batch_;
  model::Capture capture_;
  model::BatchState state_;
};

/// A model whose vocabulary is cut to a few words: all of a block's work but its read-out.
class WithoutReadOut final : public model::Transformer {
 public:
  explicit WithoutReadOut(const model::Transformer& whole) : whole_(whole) {}

  const model::Description& description() const override { return whole_.description(); }
  at::ScalarType norm_dtype() const override { return whole_.norm_dtype(); }
  void hold(core::Layer) override {}
  void free() override {}
  model::BatchState embed(model::Batch batch) const override { return whole_.embed(std::move(batch)); }
  void run_layer(core::Layer layer, model::BatchState& state, model::StreamVisitor& visitor) const override {
    whole_.run_layer(layer, state, visitor);
  }
  void finish(model::BatchState& state, model::StreamVisitor& visitor) const override {
    whole_.finish(state, visitor);
  }
  using model::Transformer::logits;
  at::Tensor logits(const at::Tensor& streams) const override {
    return at::zeros({streams.size(0), model::row_multiple}, streams.options().dtype(norm_dtype()));
  }
  void join(const model::BatchState& batch, std::span<const model::Replacements> groups,
            model::Continuation& rows) const override {
    whole_.join(batch, groups, rows);
  }
  void continue_layer(core::Layer layer, const model::BatchState& batch, model::Continuation& rows,
                      model::StreamVisitor& visitor) const override {
    whole_.continue_layer(layer, batch, rows, visitor);
  }
  void drop_kv_cache(model::BatchState& batch) const override { whole_.drop_kv_cache(batch); }
  void finish(const model::BatchState& batch, model::Continuation& rows,
              model::StreamVisitor& visitor) const override {
    whole_.finish(batch, rows, visitor);
  }

 private:
  const model::Transformer& whole_;
};

class Benchmark {
 public:
  Benchmark(const std::string& folder, const std::string& corpus, model::DType dtype, std::int64_t grid,
            std::int64_t prompt_tokens, const std::vector<std::int64_t>& layers)
      : input_(run::read_model(folder, std::nullopt)),
        model_(folder, dtype, model::Head::logits, self_),
        sweep_(sweep_of(model_.config, dtype, grid, layers,
                        prompts_of(benchmark::tokens_of(corpus, folder), prompt_tokens))),
        blocks_(sweep_.blocks()) {}

  void run(int repetitions) {
    whole_prompts_seconds();  // warm
    block_seconds(true);
    Times whole, block, without_read_out;
    for (int repetition = 0; repetition < repetitions; ++repetition) {
      whole.push_back(whole_prompts_seconds() / prompt_count);
      block.push_back(block_seconds(true));
      without_read_out.push_back(block_seconds(false));
      std::printf("a whole prompt %.4f s, blocks %.4f s, without read-out %.4f s\n", whole.back(),
                  block.back(), without_read_out.back());
    }
    std::printf("a whole prompt %.4f s, %.1f GFLOP/s\n", median(whole), whole_flop() / median(whole) / 1e9);
    print("with read-out", whole, block, block_flop(model_.config));
    model::LlamaConfig without_vocabulary = model_.config;
    without_vocabulary.vocabulary = 0;
    print("without read-out", whole, without_read_out, block_flop(without_vocabulary));
  }

 private:
  using Times = std::vector<double>;

  std::int64_t points() const {
    return prompt_count * std::ssize(sweep_.start_layers) * sweep_.grid_points();
  }

  double whole_flop() const {
    double flop = 0;
    for (const schedule::Block& block : blocks_)
      flop += model_.description.forward_flop(model::Measured::last_token, block.tile.shape()).total();
    return flop / prompt_count;
  }
  double block_flop(const model::LlamaConfig& config) const {
    double flop = 0;
    for (const schedule::Block& block : blocks_)
      flop += schedule::block_flop(model::LlamaDescription(config), block, sweep_.row_starts()).total();
    return flop;
  }

  /// Of all prompts.
  double whole_prompts_seconds() {
    std::vector<std::vector<std::int32_t>> tokens;
    std::vector<std::int64_t> lengths;
    for (const sweep::Prompt& prompt : sweep_.prompts) {
      tokens.push_back(prompt.tokens);
      lengths.push_back(std::ssize(prompt.tokens));
    }
    return seconds_of([&](std::int64_t i) {
      return std::make_unique<WholePrompts>(
          model_.llama,
          schedule::make_batch(blocks_[static_cast<std::size_t>(i)].tile, {tokens, lengths, 0}));
    });
  }

  /// Of the whole sweep.
  double block_seconds(bool read_out) {
    const sweep::SweepOnDevice sweep(sweep_, {}, at::kCPU);
    std::vector<std::vector<sweep::PromptResult>> results(blocks_.size());
    const WithoutReadOut cut(model_.llama);
    const model::Transformer& run = read_out ? static_cast<const model::Transformer&>(model_.llama) : cut;
    return seconds_of([&](std::int64_t i) {
      const auto index = static_cast<std::size_t>(i);
      return std::make_unique<sweep::SweepBlock>(sweep, input_, run, blocks_[index], results[index]);
    });
  }

  double seconds_of(const schedule::ForwardPass::RunMaker& make_run) {
    const std::vector<double> costs(blocks_.size(), 1);
    core::SilentProgress silent;
    schedule::ForwardPass pass(model_.llama, schedule::Order::tiles, 1);
    return benchmark::processor_seconds_of([&] { pass.run(self_, costs, make_run, silent); });
  }

  /// `block`: with the run of its prompts, which is what a sweep takes; beside it without.
  void print(const char* what, const Times& whole, const Times& block, double flop) const {
    const auto ratio = [&](double whole_prompt, double all, double own) {
      return whole_prompt / ((all - own * prompt_count * whole_prompt) / static_cast<double>(points()));
    };
    Times ratios;
    for (std::size_t i = 0; i < whole.size(); ++i) ratios.push_back(ratio(whole[i], block[i], 0));
    const auto [least, most] = std::ranges::minmax(ratios);
    std::printf("a point %s %.6f s, %.1f GFLOP/s\n", what, median(block) / static_cast<double>(points()),
                flop / median(block) / 1e9);
    std::printf("  a whole prompt / a point %.1f (%.1f to %.1f); in FLOP %.1f\n",
                ratio(median(whole), median(block), 0), least, most, ratio(whole_flop(), flop, 0));
    std::printf("  less the block's own prompts %.1f; in FLOP %.1f\n", ratio(median(whole), median(block), 1),
                ratio(whole_flop(), flop, 1));
  }

  static double median(const Times& times) { return benchmark::median(times); }

  parallel::Communicator self_ = parallel::Communicator::self();
  run::ModelInput input_;
  benchmark::LoadedModel model_;
  sweep::Sweep sweep_;
  std::vector<schedule::Block> blocks_;
};

}  // namespace
}  // namespace orrery

int main(int argc, char** argv) {
  namespace po = boost::program_options;
  po::options_description own;
  auto add = own.add_options();
  add("grid", po::value<std::int64_t>()->default_value(10), "points along each axis");
  add("prompt-tokens", po::value<std::int64_t>()->default_value(123), "length of the prompts");
  add("layers", po::value<std::vector<std::int64_t>>()->multitoken()->default_value({}, "the paper's"),
      "where rows start");
  return orrery::benchmark::main_of(argc, argv, own, [](const orrery::benchmark::Options& given) {
    orrery::Benchmark benchmark(given["model"].as<std::string>(), given["corpus"].as<std::string>(),
                                orrery::benchmark::dtype_of(given), given["grid"].as<std::int64_t>(),
                                given["prompt-tokens"].as<std::int64_t>(),
                                given["layers"].as<std::vector<std::int64_t>>());
    benchmark.run(given["repetitions"].as<int>());
  });
}
