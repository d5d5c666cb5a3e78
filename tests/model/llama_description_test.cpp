#include "orrery/model/llama_description.hpp"

#include <gtest/gtest.h>

namespace orrery::model {
namespace {

/// Two layers small enough to count by hand: D = 4, one head of 2, one key-value head, F = 3.
LlamaDescription small() {
  LlamaConfig config;
  config.layers = 2;
  config.width = 4;
  config.heads = 1;
  config.kv_heads = 1;
  config.head_dim = 2;
  config.mlp_width = 3;
  return LlamaDescription(config);
}

TEST(ForwardFlop, CountsProductsAndAttention) {
  const BatchShape batch = {2, 5};
  const ForwardFlop flop = small().forward_flop(Measured::last_token, batch);
  // A token of the first layer: q 4·2, k and v 4·2 each, o 2·4, MLP 3·4·3 multiplications; 10 tokens. In the
  // last layer 10 tokens have k and v, and 2 have q, o and the MLP. Each multiplication comes with an
  // addition.
  EXPECT_EQ(flop.product, 2.0 * (10 * (8 + 16 + 8 + 36) + 10 * 16 + 2 * (8 + 8 + 36)));
  // Scores and their sums: 2 · 2 · 2 a pair of tokens; 10 × 5 pairs, then 2 × 5.
  EXPECT_EQ(flop.attention, 8.0 * (50 + 10));
  EXPECT_EQ(flop.total(), flop.product + flop.attention);
  // Where all tokens are measured the last layer is as the first.
  const ForwardFlop every = small().forward_flop(Measured::all_tokens, batch);
  EXPECT_EQ(every.product, 2.0 * 2 * 10 * (8 + 16 + 8 + 36));
  EXPECT_EQ(every.attention, 8.0 * (50 + 50));
}

TEST(ForwardBytes, GrowWithTheBatchAndTheFormat) {
  const BatchShape one = {1, 16}, two = {2, 16};
  const auto bytes = [](const BatchShape& batch, DType dtype) {
    return small().waiting_bytes(batch, {dtype, dtype}) + small().working_bytes(batch, {dtype, dtype});
  };
  const std::int64_t mask = 16 * 16 * 4;  // one for the batch, however many samples
  EXPECT_EQ(bytes(two, DType::float32) - mask, 2 * (bytes(one, DType::float32) - mask));
  EXPECT_EQ(bytes(one, DType::float64), 2 * bytes(one, DType::float32));
  EXPECT_GT(small().working_bytes(one, {}), 0);
}

}  // namespace
}  // namespace orrery::model
