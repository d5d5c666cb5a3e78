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

std::int64_t norm_bytes(model::DType dtype, model::DType residual) {
  return static_cast<std::int64_t>(c10::elementSize(model::norm_dtype_of(dtype, residual)));
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

ForwardFlop block_flop(const model::LlamaConfig& c, const Block& block, std::span<const Start> starts) {
  ForwardFlop flop = forward_flop(c, model::Measured::last_token, block.tile);
  const auto layer =
      static_cast<double>(c.width * (2 * c.query_rows() + 2 * c.kv_rows()) + 3 * c.width * c.mlp_width);
  const auto head = static_cast<double>(c.width * c.vocabulary);
  for (const std::vector<RowGroup>& continuation : block.continuations) {
    for (const RowGroup& group : continuation) {
      const core::Layer start = starts[static_cast<std::size_t>(group.start)].layer;
      const auto layers = static_cast<double>(c.layers - start.value());
      const auto rows = static_cast<double>(group.rows());
      flop.product += 2 * rows * (layers * layer + head);
      flop.attention += 4 * rows * layers * static_cast<double>(c.query_rows() * block.tile.length);
    }
  }
  return flop;
}

std::int64_t waiting_bytes(const model::LlamaConfig& c, const Block& block, std::int64_t measured,
                           model::DType dtype, model::DType residual) {
  std::int64_t rows = 0;
  for (const auto& continuation : block.continuations) rows += model::padded_rows(rows_of(continuation));
  const std::int64_t row = c.width * model::bytes_of(residual) + c.head_dim * norm_bytes(dtype, residual);
  return waiting_bytes(c, block.tile, dtype, residual) + rows * (row + 8 * measured);
}

std::int64_t block_bytes(const model::LlamaConfig& c, const Block& block, std::int64_t measured,
                         model::DType dtype, model::DType residual) {
  const std::int64_t type = model::bytes_of(dtype);
  const std::int64_t norm = norm_bytes(dtype, residual);
  std::int64_t widest = 0;
  for (const std::vector<RowGroup>& continuation : block.continuations) {
    const std::int64_t rows = model::padded_rows(rows_of(continuation));
    std::int64_t most = 0;
    for (const RowGroup& group : continuation) most = std::max(most, group.rows());
    const std::int64_t heads = c.query_rows() + 2 * c.kv_rows();
    const std::int64_t scores = c.heads * model::padded_rows(most) * block.tile.length * norm;
    const std::int64_t attention = rows * (c.width * type + heads * (type + norm) + c.query_rows() * type) +
                                   2 * scores + 3 * most * c.query_rows() * norm;
    const std::int64_t mlp = rows * (2 * c.width * type + 3 * c.mlp_width * type);
    const std::int64_t looked_at = 3 * most * c.width * 8;  // streams in double precision, and their steps
    const std::int64_t read_out =
        c.vocabulary * (read_out_rows * (type == norm ? type : type + norm) + probability_rows * 3 * 8);
    widest = std::max({widest, attention, mlp, looked_at, read_out});
  }
  const std::int64_t answers = 2 * block.tile.tokens() * c.kv_rows() * norm;
  const std::int64_t forward =
      forward_bytes(c, block.tile, dtype, residual) - waiting_bytes(c, block.tile, dtype, residual);
  return waiting_bytes(c, block, measured, dtype, residual) + answers + std::max(forward, widest);
}

}  // namespace orrery::schedule
