#include "orrery/schedule/cost.hpp"

#include <gtest/gtest.h>

namespace orrery::schedule {
namespace {

/// Two layers small enough to count by hand: D = 4, one head of 2, one key-value head, F = 3.
model::LlamaConfig small() {
  model::LlamaConfig config;
  config.layers = 2;
  config.width = 4;
  config.heads = 1;
  config.kv_heads = 1;
  config.head_dim = 2;
  config.mlp_width = 3;
  return config;
}

TEST(ForwardFlop, CountsProductsAndAttention) {
  const Tile tile = {{core::Sample(0), core::Sample(1)}, 5};
  const ForwardFlop flop = forward_flop(small(), model::Measured::last_token, tile);
  // A token of the first layer: q 4·2, k and v 4·2 each, o 2·4, MLP 3·4·3 multiplications; 10 tokens. In the
  // last layer 10 tokens have k and v, and 2 have q, o and the MLP. Each multiplication comes with an
  // addition.
  EXPECT_EQ(flop.product, 2.0 * (10 * (8 + 16 + 8 + 36) + 10 * 16 + 2 * (8 + 8 + 36)));
  // Scores and their sums: 2 · 2 · 2 a pair of tokens; 10 × 5 pairs, then 2 × 5.
  EXPECT_EQ(flop.attention, 8.0 * (50 + 10));
  EXPECT_EQ(flop.total(), flop.product + flop.attention);
  // Where all tokens are measured the last layer is as the first.
  const ForwardFlop every = forward_flop(small(), model::Measured::all_tokens, tile);
  EXPECT_EQ(every.product, 2.0 * 2 * 10 * (8 + 16 + 8 + 36));
  EXPECT_EQ(every.attention, 8.0 * (50 + 50));
}

TEST(ForwardBytes, GrowWithTheTileAndTheFormat) {
  const Tile one = {{core::Sample(0)}, 16};
  const Tile two = {{core::Sample(0), core::Sample(1)}, 16};
  using model::DType;
  const auto bytes = [](const Tile& tile, DType dtype) { return forward_bytes(small(), tile, dtype, dtype); };
  const std::int64_t mask = 16 * 16 * 4;  // one for the tile, however many samples
  EXPECT_EQ(bytes(two, DType::float32) - mask, 2 * (bytes(one, DType::float32) - mask));
  EXPECT_EQ(bytes(one, DType::float64), 2 * bytes(one, DType::float32));
  EXPECT_GT(bytes(one, DType::float32), waiting_bytes(small(), one, DType::float32, DType::float32));
}

}  // namespace
}  // namespace orrery::schedule
