// Weights drawn in place of a checkpoint's: what they are, and that neither ranks, nor residency, nor the
// number format has a say in it.
#include "orrery/model/random_weights.hpp"

#include "orrery/core/error.hpp"
#include "orrery/model/llama_weights.hpp"
#include "orrery/parallel/communicator.hpp"

#include <ATen/ops/cat.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace orrery::model {
namespace {

constexpr std::uint64_t seed = 5;
constexpr double spread = 0.04;

/// Small, with every kind of weight.
LlamaConfig small_config() {
  LlamaConfig config;
  config.layers = 3;
  config.width = 48;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 10;
  config.mlp_width = 100;
  config.vocabulary = 1501;  // 72,048 numbers: more than a block has
  config.attention_bias = true;
  config.mlp_bias = true;
  return config;
}

/// Every tensor of a model, copied: outer ones, then layer by layer.
std::vector<at::Tensor> all_weights(const LlamaConfig& config, DType dtype, Residency residency,
                                    const parallel::Communicator& ranks, std::uint64_t with_seed = seed) {
  const parallel::Communicator node = ranks.split_by_node();
  const RandomWeights source(with_seed, spread);
  LlamaWeights weights(
      config, source,
      {dtype, dtype == DType::float64 ? at::kDouble : at::kFloat, at::kCPU, residency, Head::logits}, ranks,
      node);
  const OuterWeights& outer = weights.outer();
  std::vector<at::Tensor> all = {outer.embedding.clone(), outer.final_norm.clone(), outer.head.clone()};
  for (core::Layer l; l.value() < config.layers; ++l) {
    weights.hold(l);
    const LayerWeights& w = weights.layer(l);
    for (const at::Tensor& part :
         {w.attention_norm, w.query_key_value, w.query_key_value_bias, w.attention_out, w.attention_out_bias,
          w.mlp_norm, w.gate_up, w.gate_up_bias, w.down, w.down_bias}) {
      all.push_back(part.clone());
    }
  }
  weights.free();
  return all;
}

void expect_same_bits(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(a[i].equal(b[i])) << "tensor " << i;
}

std::vector<double> drawn(const std::string& name, std::int64_t first, std::size_t count) {
  std::vector<double> numbers(count);
  RandomWeights(seed, 1.0).draw(name, first, numbers);
  return numbers;
}

// As tests/support/philox.py draws them.
TEST(RandomWeights, KnownNumbers) {
  const std::vector<double> first = drawn("model.embed_tokens.weight", 0, 2);
  EXPECT_DOUBLE_EQ(first[0], -0.01313216642549485);
  EXPECT_DOUBLE_EQ(first[1], -0.7469452665533194);
  EXPECT_DOUBLE_EQ(drawn("model.layers.1.mlp.down_proj.weight", 777, 1)[0], 0.12316733928551858);
  std::vector<double> last(1);
  RandomWeights((std::uint64_t{1} << 40) + 3, 0.5).draw("lm_head.weight", (std::int64_t{1} << 33) - 1, last);
  EXPECT_DOUBLE_EQ(last[0], 0.5 * 1.211911974885554);
}

TEST(RandomWeights, APartIsThatOfTheWhole) {
  const std::vector<double> whole = drawn("w", 0, 100);
  for (const std::int64_t first : {1, 2, 37, 64}) {
    const std::vector<double> part = drawn("w", first, 20);
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + first)) << first;
  }
}

// Five standard errors.
TEST(RandomWeights, AreNormalWithTheSpreadAskedFor) {
  const auto self = parallel::Communicator::self();
  for (const at::Tensor& part : all_weights(small_config(), DType::float64, Residency::all_layers, self)) {
    if (part.dim() == 1) continue;
    const auto count = static_cast<double>(part.numel());
    const double variance = spread * spread;
    EXPECT_NEAR(part.mean().item<double>(), 0, 5 * spread / std::sqrt(count));
    EXPECT_NEAR(part.square().mean().item<double>(), variance, 5 * variance * std::sqrt(2 / count));
    EXPECT_NEAR(part.pow(4).mean().item<double>(), 3 * variance * variance,
                5 * variance * variance * std::sqrt(96 / count));
  }
}

TEST(RandomWeights, NormsAreOneAndBiasesZero) {
  const LlamaConfig config = small_config();
  const auto self = parallel::Communicator::self();
  const auto all = all_weights(config, DType::float32, Residency::all_layers, self);
  int norms = 0, biases = 0;
  for (const at::Tensor& part : all) {
    if (part.dim() != 1) continue;
    const double least = part.min().item<double>(), most = part.max().item<double>();
    EXPECT_EQ(least, most);
    EXPECT_TRUE(most == 0 || most == 1) << most;
    (most == 1 ? norms : biases) += 1;
  }
  EXPECT_EQ(norms, 2 * config.layers + 1);
  EXPECT_EQ(biases, 4 * config.layers);
}

// Element i of a tensor in memory is element i of the file; queries and keys have RoPE's pairs side by side.
TEST(RandomWeights, LieAsAFilesDo) {
  const LlamaConfig config = small_config();
  const auto self = parallel::Communicator::self();
  const auto all = all_weights(config, DType::float64, Residency::all_layers, self);
  const auto expect_row = [&](const at::Tensor& row, const std::string& name, std::int64_t file_row) {
    const std::vector<double> expected =
        drawn(name, file_row * row.size(0), static_cast<std::size_t>(row.size(0)));
    for (std::int64_t i = 0; i < row.size(0); ++i) {
      ASSERT_EQ(row[i].item<double>(), spread * expected[static_cast<std::size_t>(i)]) << name << ", " << i;
    }
  };
  expect_row(all[0][1500], "model.embed_tokens.weight", 1500);
  expect_row(all[2][3], "lm_head.weight", 3);
  const std::string layer = "model.layers.1.";
  const std::size_t first = 3 + 10;
  expect_row(all[first + 1][10 + 1], layer + "self_attn.q_proj.weight", 10 + 5);  // head 1, pair 0's second
  expect_row(all[first + 1][40 + 2], layer + "self_attn.k_proj.weight", 1);       // head 0, pair 1's first
  expect_row(all[first + 1][60 + 7], layer + "self_attn.v_proj.weight", 7);
  expect_row(all[first + 3][47], layer + "self_attn.o_proj.weight", 47);
  expect_row(all[first + 6][0], layer + "mlp.gate_proj.weight", 0);
  expect_row(all[first + 6][100], layer + "mlp.up_proj.weight", 0);
  expect_row(all[first + 8][5], layer + "mlp.down_proj.weight", 5);
}

TEST(RandomWeights, AreTheSameBitsForAnyRanksAndEitherResidency) {
  const auto world = parallel::Communicator::world();
  const auto self = parallel::Communicator::self();
  for (const DType dtype : {DType::float32, DType::bfloat16, DType::float64}) {
    const auto alone = all_weights(small_config(), dtype, Residency::all_layers, self);
    expect_same_bits(all_weights(small_config(), dtype, Residency::all_layers, world), alone);
    expect_same_bits(all_weights(small_config(), dtype, Residency::one_layer, world), alone);
  }
}

TEST(RandomWeights, AFormatOnlyRounds) {
  const auto self = parallel::Communicator::self();
  const auto exact = all_weights(small_config(), DType::float64, Residency::all_layers, self);
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    std::vector<at::Tensor> rounded;
    for (const at::Tensor& part : exact) rounded.push_back(part.to(scalar_type(dtype)).to(at::kDouble));
    auto found = all_weights(small_config(), dtype, Residency::all_layers, self);
    for (at::Tensor& part : found) part = part.to(at::kDouble);
    expect_same_bits(found, rounded);
  }
}

TEST(RandomWeights, ASeedIsAnotherModel) {
  const auto self = parallel::Communicator::self();
  const auto one = all_weights(small_config(), DType::float32, Residency::all_layers, self);
  const auto other = all_weights(small_config(), DType::float32, Residency::all_layers, self, seed + 1);
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (one[i].dim() == 1) continue;
    EXPECT_FALSE(one[i].eq(other[i]).any().item<bool>()) << "tensor " << i;
  }
}

TEST(RandomWeights, ATiedHeadIsTheEmbedding) {
  LlamaConfig config = small_config();
  const auto self = parallel::Communicator::self();
  const auto apart = all_weights(config, DType::float32, Residency::all_layers, self);
  EXPECT_FALSE(apart[0].equal(apart[2]));
  config.tied_embedding = true;
  const auto tied = all_weights(config, DType::float32, Residency::all_layers, self);
  EXPECT_TRUE(tied[0].equal(tied[2]));
  EXPECT_TRUE(tied[0].equal(apart[0]));
}

TEST(RandomWeights, RefusesWhatCannotBeDrawn) {
  for (const double wrong : {0.0, -0.02, std::nan("")}) EXPECT_THROW(RandomWeights(seed, wrong), core::Error);
  const RandomWeights source(seed, spread);
  std::vector<std::byte> room;
  const std::vector<std::int64_t> shape = {(std::int64_t{1} << 20) + 1, std::int64_t{1} << 13};
  try {
    source.read("lm_head.weight", shape, 1, room, [](auto, auto, auto) { FAIL() << "something was drawn"; });
    FAIL() << "a tensor longer than a stream was accepted";
  } catch (const core::Error& error) {
    EXPECT_EQ(error.code(), core::ExitCode::bad_input);
    EXPECT_NE(std::string(error.what()).find("lm_head.weight"), std::string::npos);
  }
}

}  // namespace
}  // namespace orrery::model
