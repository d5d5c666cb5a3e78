// How near the forward pass comes to the plain matrix products that it is made of, and what a second thread
// or a second rank adds. All figures are ratios within one run: medians of alternated repetitions.
//
//   mpirun -n 2 --bind-to none orrery_benchmark --model DIR --corpus FILE [--dtype bfloat16]
#include "measure.hpp"
#include "orrery/model/capture.hpp"
#include "orrery/model/linear.hpp"
#include "orrery/schedule/forward_pass.hpp"
#include "orrery/schedule/tiles.hpp"
#include "orrery/schedule/workers.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <unistd.h>
#include <vector>

namespace orrery {
namespace {

using benchmark::median;
using benchmark::seconds_of;

class Benchmark {
 public:
  Benchmark(const std::string& folder, const std::string& corpus, model::DType dtype, std::int64_t tiles,
            const parallel::Communicator& ranks)
      : dtype_(dtype),
        ranks_(ranks),
        model_(folder, dtype, model::Head::none, ranks),
        tokens_(benchmark::tokens_of(corpus, folder)) {
    for (const auto& row : tokens_) lengths_.push_back(std::ssize(row));
    // An even sample of the tiles, short ones and long ones.
    const auto all = schedule::make_tiles(lengths_, 512);
    for (std::int64_t i = 0; i < tiles; ++i) {
      tiles_.push_back(all[static_cast<std::size_t>(i * std::ssize(all) / tiles)]);
    }
  }

  /// FLOP of the products of a forward over `tiles`, tokens without padding.
  double product_flop(const std::vector<schedule::Tile>& tiles) const {
    const double qkv = static_cast<double>(config_.width * (config_.query_rows() + 2 * config_.kv_rows()));
    const double out = static_cast<double>(config_.query_rows() * config_.width);
    const double mlp = static_cast<double>(3 * config_.width * config_.mlp_width);
    const double kv = static_cast<double>(config_.width * 2 * config_.kv_rows());
    double flop = 0;
    for (const schedule::Tile& tile : tiles) {
      double all = 0;
      for (const core::Sample n : tile.samples)
        all += static_cast<double>(tokens_[static_cast<std::size_t>(n.value())].size());
      const double last = static_cast<double>(tile.samples.size());
      flop += 2 * (static_cast<double>(config_.layers - 1) * all * (qkv + out + mlp) + all * kv +
                   last * (qkv - kv + out + mlp));
    }
    return flop;
  }

  using Product = std::function<at::Tensor(const at::Tensor& x, const at::Tensor& weight)>;

  /// FLOP/s of plain products of a layer's shapes, 512 rows, through all layers' weights in turn, best of 5.
  double product_rate(int threads, const Product& product) {
    std::vector<double> rates;
    for (int round = 0; round < 5; ++round) {
      double flop = 0;
      const double seconds = seconds_of([&] {
        schedule::parallel_for(threads, threads, [&](std::int64_t) {
          const c10::InferenceMode inference;
          const auto type = at::TensorOptions().dtype(model::scalar_type(dtype_));
          const at::Tensor wide = at::randn({512, config_.width}, type);
          const at::Tensor attended = at::randn({512, config_.query_rows()}, type);
          const at::Tensor hidden = at::randn({512, config_.mlp_width}, type);
          for (core::Layer l; l.value() < config_.layers; ++l) {
            const model::LayerWeights& w = model_.llama.weights().layer(l);
            product(wide, w.query_key_value);
            product(attended, w.attention_out);
            product(wide, w.gate_up);
            product(hidden, w.down);
          }
        });
      });
      flop =
          2.0 * 512 * static_cast<double>(config_.layers) * threads *
          static_cast<double>(config_.width * (config_.query_rows() + 2 * config_.kv_rows()) +
                              config_.query_rows() * config_.width + 3 * config_.width * config_.mlp_width);
      rates.push_back(flop / seconds);
    }
    return *std::ranges::max_element(rates);
  }

  double forward_seconds(const std::vector<schedule::Tile>& tiles, int threads,
                         const parallel::Communicator& who) {
    schedule::ForwardPass pass(model_.llama, schedule::Order::tiles, threads);
    core::SilentProgress silent;
    return seconds_of([&] {
      pass.run(
          who, tiles, {tokens_, lengths_},
          [&](std::int64_t i) {
            const auto n = std::ssize(tiles[static_cast<std::size_t>(i)].samples);
            return std::make_unique<model::Capture>(
                at::empty({n, config_.points(), config_.width}, at::kFloat));
          },
          silent);
    });
  }

  /// Waits for all ranks without taking a core from those that work.
  void meet() const {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibarrier(ranks_.handle(), &request);
    for (int done = 0; done == 0; ::usleep(500)) MPI_Test(&request, &done, MPI_STATUS_IGNORE);
  }

  void run(int repetitions) {
    const Product plain = [](const at::Tensor& x, const at::Tensor& weight) { return at::mm(x, weight.t()); };
    const Product own = [](const at::Tensor& x, const at::Tensor& weight) {
      return model::linear(x, weight, {});
    };
    std::map<std::string, std::vector<double>> ratios;
    const auto self = parallel::Communicator::self();
    const bool root = ranks_.is_root();
    std::vector<schedule::Tile> halves[2];
    for (std::size_t i = 0; i < tiles_.size(); ++i) halves[i % 2].push_back(tiles_[i]);
    if (root) forward_seconds(halves[0], 1, self);  // warm
    for (int repetition = 0; repetition < repetitions; ++repetition) {
      double one = 0;
      if (root) {
        const double rate = product_rate(1, plain);
        const double own_rate = product_rate(1, own);
        one = forward_seconds(tiles_, 1, self);
        std::printf("products %.1f GFLOP/s, forward %.1f GFLOP/s\n", rate / 1e9,
                    product_flop(tiles_) / one / 1e9);
        ratios["forward / LibTorch's products, 1 thread"].push_back(product_flop(tiles_) / one / rate);
        ratios["forward / the forward's own products, 1 thread"].push_back(product_flop(tiles_) / one /
                                                                           own_rate);
        const double rate2 = product_rate(2, plain);
        const double two = forward_seconds(tiles_, 2, self);
        ratios["forward / LibTorch's products, 2 threads"].push_back(product_flop(tiles_) / two / rate2);
        ratios["1 rank of 2 threads / 1 rank of 1 thread"].push_back(one / two);
      }
      meet();
      if (ranks_.size() == 2) {
        const double both = forward_seconds(halves[ranks_.rank()], 1, ranks_);
        ratios["2 ranks of 1 thread / 1 rank of 1 thread"].push_back(one / both);
      }
      meet();
    }
    if (!root) return;
    for (const auto& [name, values] : ratios) {
      const auto [least, most] = std::ranges::minmax(values);
      std::printf("%-48s %.3f  (%.3f to %.3f)\n", name.c_str(), median(values), least, most);
    }
  }

 private:
  model::DType dtype_;
  const parallel::Communicator& ranks_;
  benchmark::LoadedModel model_;
  const model::LlamaConfig& config_ = model_.config;
  std::vector<std::vector<std::int32_t>> tokens_;
  std::vector<std::int64_t> lengths_;
  std::vector<schedule::Tile> tiles_;
};

}  // namespace
}  // namespace orrery

int main(int argc, char** argv) {
  namespace po = boost::program_options;
  po::options_description own;
  own.add_options()("tiles", po::value<std::int64_t>()->default_value(16), "so many of the corpus");
  return orrery::benchmark::main_of(argc, argv, own, [](const orrery::benchmark::Options& given) {
    const auto ranks = orrery::parallel::Communicator::world();
    orrery::Benchmark benchmark(given["model"].as<std::string>(), given["corpus"].as<std::string>(),
                                orrery::benchmark::dtype_of(given), given["tiles"].as<std::int64_t>(), ranks);
    benchmark.run(given["repetitions"].as<int>());
  });
}
