#include "orrery/schedule/block.hpp"

#include "orrery/model/llama_description.hpp"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace orrery::schedule {
namespace {

TEST(Continuations, HaveEveryGroupOnceAndNotTooManyRows) {
  const std::vector<Start> starts = {{core::Layer(0), 5}, {core::Layer(3), 23}, {core::Layer(7), 1}};
  for (const std::int64_t batch_rows : {1, 6, 10, 24, 48, 1000}) {
    std::set<std::pair<std::int64_t, std::int64_t>> seen;  // sample, start
    core::Layer newest(0);
    for (const std::vector<RowGroup>& continuation : make_continuations(3, starts, batch_rows)) {
      std::int64_t rows = 0;
      for (const RowGroup& group : continuation) {
        const Start& start = starts[static_cast<std::size_t>(group.start)];
        EXPECT_TRUE(seen.emplace(group.sample, group.start).second);
        EXPECT_EQ(group.count, start.rows);
        EXPECT_GE(start.layer, newest) << "rows join in order of layers";
        newest = start.layer;
        rows += group.rows();
      }
      EXPECT_TRUE(rows <= batch_rows || continuation.size() == 1) << batch_rows;
    }
    EXPECT_EQ(seen.size(), 3 * 3) << batch_rows;
  }
}

TEST(Continuations, AreFilledAcrossStarts) {
  const std::vector<Start> starts = {{core::Layer(0), 4}, {core::Layer(1), 4}};
  const auto found = make_continuations(2, starts, 15);
  ASSERT_EQ(found.size(), 2);
  EXPECT_EQ(found[0].size(), 3);  // of 5 rows each
  EXPECT_EQ(found[0][2].start, 1);
}

TEST(Continuations, AreFilledBehindAFullOne) {
  const std::vector<Start> starts = {{core::Layer(0), 4}};
  const auto found = make_continuations(4, starts, 10);  // groups of 5 rows
  ASSERT_EQ(found.size(), 2);
  EXPECT_EQ(found[1].size(), 2);
}

TEST(Blocks, AreTilesWithTheirRows) {
  const std::vector<std::int64_t> lengths = {9, 4, 5, 20};
  const std::vector<Start> starts = {{core::Layer(0), 4}};
  const std::vector<Block> blocks = make_blocks(lengths, 20, starts, 100);
  ASSERT_EQ(blocks.size(), 3);  // 4 and 5, 9, 20
  EXPECT_EQ(blocks[0].tile.samples, (std::vector<core::Sample>{core::Sample(1), core::Sample(2)}));
  ASSERT_EQ(blocks[0].continuations.size(), 1);
  EXPECT_EQ(blocks[0].continuations[0].size(), 2);
}

/// As in llama_description_test.cpp; with 10 words.
model::LlamaDescription small() {
  model::LlamaConfig config;
  config.layers = 2;
  config.width = 4;
  config.heads = 1;
  config.kv_heads = 1;
  config.head_dim = 2;
  config.mlp_width = 3;
  config.vocabulary = 10;
  return model::LlamaDescription(config);
}

TEST(BlockFlop, AddsRowsFromTheirLayerOn) {
  const std::vector<Start> starts = {{core::Layer(0), 3}, {core::Layer(1), 2}};
  const Block block = make_blocks(std::vector<std::int64_t>{5, 5}, 10, starts, 100).front();
  const model::ForwardFlop forward = small().forward_flop(model::Measured::last_token, block.tile.shape());
  const model::ForwardFlop all = block_flop(small(), block, starts);
  // Each of two samples: 4 rows of two layers, 3 of one, the unperturbed ones counted; 7 rows have logits.
  EXPECT_EQ(all.product - forward.product, 2.0 * 2 * ((4 * 2 + 3) * (8 + 16 + 8 + 36) + 7 * 40));
  EXPECT_EQ(all.attention - forward.attention, 2.0 * (4 * 2 + 3) * 4 * 2 * 5);
}

TEST(BlockBytes, GrowWithRowsThatWait) {
  const std::vector<Start> few = {{core::Layer(0), 3}}, many = {{core::Layer(0), 300}};
  const std::vector<std::int64_t> lengths = {5, 5};
  const auto waiting = [&](std::span<const Start> starts) {
    return waiting_bytes(small(), make_blocks(lengths, 10, starts, 64).front(), 7, {});
  };
  // 8 rows and two of 301, padded to 16 and 304.
  EXPECT_EQ(waiting(many) - waiting(few), (2 * 304 - 16) * (4 * 4 + 2 * 4 + 7 * 8));
  const Block block = make_blocks(lengths, 10, many, 64).front();
  EXPECT_GT(block_bytes(small(), block, 7, {}), waiting(many));
}

}  // namespace
}  // namespace orrery::schedule
