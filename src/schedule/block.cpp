#include "orrery/schedule/block.hpp"

#include <algorithm>
#include <utility>

namespace orrery::schedule {
namespace {

std::int64_t rows_of(const std::vector<RowGroup>& continuation) {
  std::int64_t rows = 0;
  for (const RowGroup& group : continuation) rows += group.rows();
  return rows;
}

}  // namespace

std::vector<std::vector<RowGroup>> make_continuations(std::int64_t samples, std::span<const Start> starts,
                                                      std::int64_t batch_rows) {
  std::vector<std::vector<RowGroup>> continuations;
  std::int64_t filled = 0;
  for (std::int64_t start = 0; start < std::ssize(starts); ++start) {
    for (std::int64_t sample = 0; sample < samples; ++sample) {
      const RowGroup group{sample, start, starts[static_cast<std::size_t>(start)].rows};
      if (continuations.empty() || filled + group.rows() > batch_rows) {
        continuations.emplace_back();
        filled = 0;
      }
      continuations.back().push_back(group);
      filled += group.rows();
    }
  }
  return continuations;
}

std::int64_t Block::rows() const {
  std::int64_t rows = 0;
  for (const auto& continuation : continuations) {
    for (const RowGroup& group : continuation) rows += group.rows();
  }
  return rows;
}

std::vector<Block> make_blocks(std::span<const std::int64_t> lengths, std::int64_t batch_tokens,
                               std::span<const Start> starts, std::int64_t batch_rows) {
  std::vector<Block> blocks;
  for (Tile& tile : make_tiles(lengths, batch_tokens)) {
    const std::int64_t samples = std::ssize(tile.samples);
    blocks.push_back({std::move(tile), make_continuations(samples, starts, batch_rows)});
  }
  return blocks;
}

model::ForwardFlop block_flop(const model::Description& model, const Block& block,
                              std::span<const Start> starts) {
  model::ForwardFlop flop = model.forward_flop(model::Measured::last_token, block.tile.shape());
  for (const std::vector<RowGroup>& continuation : block.continuations) {
    for (const RowGroup& group : continuation) {
      const core::Layer start = starts[static_cast<std::size_t>(group.start)].layer;
      flop += model.continuation_flop(start, group.rows(), block.tile.length);
    }
  }
  return flop;
}

std::int64_t waiting_bytes(const model::Description& model, const Block& block, std::int64_t measured,
                           const model::NumberFormats& formats) {
  std::int64_t rows = 0;
  for (const auto& continuation : block.continuations) rows += model::padded_rows(rows_of(continuation));
  return model.waiting_bytes(block.tile.shape(), formats) + model.continuation_waiting_bytes(rows, formats) +
         rows * 8 * measured;
}

std::int64_t block_bytes(const model::Description& model, const Block& block, std::int64_t measured,
                         const model::NumberFormats& formats) {
  const model::BatchShape batch = block.tile.shape();
  std::int64_t widest = model.working_bytes(batch, formats);
  for (const std::vector<RowGroup>& continuation : block.continuations) {
    const std::int64_t rows = model::padded_rows(rows_of(continuation));
    std::int64_t most = 0;
    for (const RowGroup& group : continuation) most = std::max(most, group.rows());
    const std::int64_t looked_at =
        3 * most * model.shape().width * 8;  // streams in double precision, and their steps
    const std::int64_t read_out =
        model.logits_bytes(read_out_rows, formats) + model.shape().vocabulary * probability_rows * 3 * 8;
    widest = std::max(
        {widest, model.continuation_working_bytes(rows, most, batch.length, formats), looked_at, read_out});
  }
  return waiting_bytes(model, block, measured, formats) + model.kv_cache_bytes(batch, formats) + widest;
}

}  // namespace orrery::schedule
