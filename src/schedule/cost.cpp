#include "orrery/schedule/cost.hpp"

#include <algorithm>

namespace orrery::schedule {

ForwardFlop forward_flop(const model::LlamaConfig& c, model::Measured measured, const Tile& tile) {
  const auto all = static_cast<double>(tile.tokens());
  const double last =
      measured == model::Measured::last_token ? static_cast<double>(tile.samples.size()) : all;
  const auto length = static_cast<double>(tile.length);
  const auto query = static_cast<double>(c.width * c.query_rows());
  const auto key_value = static_cast<double>(c.width * 2 * c.kv_rows());
  const auto mlp = static_cast<double>(3 * c.width * c.mlp_width);
  const auto heads = static_cast<double>(c.query_rows());
  const auto before_last = static_cast<double>(c.layers - 1);
  ForwardFlop flop;
  flop.product =
      2 * (before_last * all * (2 * query + key_value + mlp) + all * key_value + last * (2 * query + mlp));
  flop.attention = 4 * heads * length * (before_last * all + last);
  return flop;
}

std::vector<double> tile_costs(const model::LlamaConfig& config, model::Measured measured,
                               std::span<const Tile> tiles) {
  std::vector<double> costs;
  for (const Tile& tile : tiles) costs.push_back(forward_flop(config, measured, tile).total());
  return costs;
}

std::int64_t waiting_bytes(const model::LlamaConfig& c, const Tile& tile, model::DType dtype,
                           model::DType residual) {
  const std::int64_t rows = model::padded_rows(tile.tokens());
  const auto norm = static_cast<std::int64_t>(c10::elementSize(model::norm_dtype_of(dtype, residual)));
  const std::int64_t mask = c.heads / c.kv_heads * tile.length * tile.length * norm;
  return rows * (c.width * model::bytes_of(residual) + c.head_dim * norm) + mask;
}

std::int64_t forward_bytes(const model::LlamaConfig& c, const Tile& tile, model::DType dtype,
                           model::DType residual) {
  const std::int64_t rows = model::padded_rows(tile.tokens());
  const std::int64_t type = model::bytes_of(dtype);
  const auto norm = static_cast<std::int64_t>(c10::elementSize(model::norm_dtype_of(dtype, residual)));
  const std::int64_t heads = c.query_rows() + 2 * c.kv_rows();
  const std::int64_t scores = c.heads * tile.tokens() * tile.length * norm;
  // The two phases of a block, each at its widest: attention with its scores and their softmax, and the MLP.
  const std::int64_t attention = rows * (c.width * type + heads * (type + 2 * norm)) + 2 * scores +
                                 rows * c.query_rows() * (type + norm);
  const std::int64_t mlp = rows * (c.width * type + 3 * c.mlp_width * type);
  return waiting_bytes(c, tile, dtype, residual) + std::max(attention, mlp);
}

}  // namespace orrery::schedule
