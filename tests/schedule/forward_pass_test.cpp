// Any rank count, any thread count and either order give the same bits: each tile is computed alone.
#include "orrery/schedule/forward_pass.hpp"

#include "orrery/model/capture.hpp"
#include "orrery/model/families.hpp"
#include "orrery/model/safetensors.hpp"
#include "orrery/parallel/agreement.hpp"
#include "tests/support/shared_data.hpp"

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>

namespace orrery::schedule {
namespace {

/// 40 made-up samples of 1 to 24 tokens over the vocabulary of a tiny model.
std::vector<std::vector<std::int32_t>> made_up_tokens() {
  std::vector<std::vector<std::int32_t>> tokens;
  for (std::int32_t n = 0; n < 40; ++n) {
    auto& ids = tokens.emplace_back();
    for (std::int32_t t = 0; t < 1 + (n * 7) % 24; ++t) ids.push_back((n * 31 + t * 17) % 300);
  }
  return tokens;
}

class Runner {
 public:
  explicit Runner(const parallel::Communicator& ranks, model::Measured measured = model::Measured::last_token)
      : ranks_(ranks),
        node_(ranks.split_by_node()),
        folder_(test::shared_data("models/llama31")),
        description_(model::read_description(folder_)),
        checkpoint_(folder_),
        measured_(measured) {
    for (const auto& ids : tokens_) lengths_.push_back(std::ssize(ids));
    tiles_ = make_tiles(lengths_, 64);
  }

  /// Tokens that are measured of sample n: of all_tokens, all but one in front.
  std::int64_t rows_of(core::Sample n) const {
    return measured_ == model::Measured::last_token ? 1 : lengths_[static_cast<std::size_t>(n.value())] - 1;
  }

  /// (tokens measured, P, D) of each of this rank's samples.
  std::map<std::int64_t, at::Tensor> run(Order order, int threads, core::ProgressSink& progress = silent()) {
    const auto shares = deal(std::vector<double>(tiles_.size(), 1.0), ranks_.size());
    std::vector<Tile> mine;
    for (const std::int64_t i : shares[static_cast<std::size_t>(ranks_.rank())]) {
      mine.push_back(tiles_[static_cast<std::size_t>(i)]);
    }
    const auto model = description_->load(
        checkpoint_,
        {{},
         measured_,
         at::kCPU,
         order == Order::tiles ? model::Residency::all_layers : model::Residency::one_layer,
         model::Head::none},
        ranks_, node_);
    const model::Shape& shape = description_->shape();
    std::vector<at::Tensor> rows;
    for (const Tile& tile : mine) {
      std::int64_t count = 0;
      for (const core::Sample n : tile.samples) count += rows_of(n);
      rows.push_back(at::empty({count, shape.points.size(), shape.width}, at::kFloat));
    }
    ForwardPass(*model, order, threads)
        .run(
            ranks_, mine, {tokens_, lengths_, 1},
            [&](std::int64_t i) {
              return std::make_unique<model::Capture>(rows[static_cast<std::size_t>(i)]);
            },
            progress);
    model->free();
    std::map<std::int64_t, at::Tensor> by_sample;
    for (std::size_t i = 0; i < mine.size(); ++i) {
      std::int64_t row = 0;
      for (const core::Sample n : mine[i].samples) {
        by_sample[n.value()] = rows[i].narrow(0, row, rows_of(n));
        row += rows_of(n);
      }
      EXPECT_EQ(row, rows[i].size(0));
    }
    return by_sample;
  }

  static core::ProgressSink& silent() {
    static core::SilentProgress sink;
    return sink;
  }

 private:
  const parallel::Communicator& ranks_;
  parallel::Communicator node_;
  std::filesystem::path folder_;
  std::unique_ptr<model::Description> description_;
  model::Checkpoint checkpoint_;
  model::Measured measured_;
  std::vector<std::vector<std::int32_t>> tokens_ = made_up_tokens();
  std::vector<std::int64_t> lengths_;
  std::vector<Tile> tiles_;
};

class EveryMeasure : public testing::TestWithParam<model::Measured> {};

TEST_P(EveryMeasure, IsTheSameBitsForAnyRanksThreadsAndOrder) {
  const auto world = parallel::Communicator::world();
  const auto self = parallel::Communicator::self();
  const auto alone = Runner(self, GetParam()).run(Order::tiles, 1);
  ASSERT_EQ(alone.size(), 40U);
  std::int64_t compared = 0;
  Runner together(world, GetParam());
  for (const Order order : {Order::tiles, Order::layers}) {
    for (const int threads : {1, 3}) {
      for (const auto& [sample, rows] : together.run(order, threads)) {
        EXPECT_TRUE(rows.equal(alone.at(sample))) << "sample " << sample;
        ++compared;
      }
    }
  }
  EXPECT_EQ(world.sum(compared), 4 * 40);
}

INSTANTIATE_TEST_SUITE_P(ForwardPass, EveryMeasure,
                         testing::Values(model::Measured::last_token, model::Measured::all_tokens),
                         [](const auto& measured) {
                           return measured.param == model::Measured::last_token ? "LastToken" : "AllTokens";
                         });

// Each token's row is its sample's last when the sample ends there, but for rounding: other rows share its
// products.
TEST(ForwardPass, OfAllTokensGivesEachInItsPlace) {
  const auto self = parallel::Communicator::self();
  const auto last = Runner(self).run(Order::tiles, 1);
  for (const auto& [sample, rows] : Runner(self, model::Measured::all_tokens).run(Order::tiles, 1)) {
    if (rows.size(0) == 0) continue;
    const at::Tensor expected = last.at(sample)[0];
    const at::Tensor distance = rows[rows.size(0) - 1].sub(expected).norm(2, -1).div(expected.norm(2, -1));
    EXPECT_LT(distance.max().item<float>(), 1e-5) << "sample " << sample;
  }
}

TEST(ForwardPass, TellsHowFarItIs) {
  class Last : public core::ProgressSink {
   public:
    void begin(const core::Phase&) override {}
    void advance(double fraction) override { last = fraction; }
    void end() override {}
    std::atomic<double> last = 0;
  } sink;
  const auto self = parallel::Communicator::self();
  Runner(self).run(Order::layers, 1, sink);
  EXPECT_EQ(sink.last, 1.0);
}

TEST(MakeBatch, PadsOnTheRightWithZeros) {
  const std::vector<std::vector<std::int32_t>> tokens = {{5, 6}, {7, 8, 9}};
  const std::vector<std::int64_t> lengths = {2, 3};
  const model::Batch batch = make_batch({{core::Sample(0), core::Sample(1)}, 3}, {tokens, lengths, 1});
  EXPECT_EQ(batch.leading, 1);
  EXPECT_EQ(batch.lengths, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(batch.tokens[0][1].item<std::int64_t>(), 6);
  EXPECT_EQ(batch.tokens[0][2].item<std::int64_t>(), 0);
  EXPECT_EQ(batch.tokens[1][2].item<std::int64_t>(), 9);
}

TEST(MakeBatch, LeavesOutWhatDoesNotRun) {
  const std::vector<std::vector<std::int32_t>> tokens = {{5, 6}, {7, 8, 9}};
  const std::vector<std::int64_t> lengths = {2, 1};
  const model::Batch batch = make_batch({{core::Sample(1), core::Sample(0)}, 2}, {tokens, lengths});
  EXPECT_EQ(batch.lengths, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(batch.tokens[0][0].item<std::int64_t>(), 7);
  EXPECT_EQ(batch.tokens[0][1].item<std::int64_t>(), 0);
  EXPECT_EQ(batch.tokens[1][1].item<std::int64_t>(), 6);
}

}  // namespace
}  // namespace orrery::schedule
