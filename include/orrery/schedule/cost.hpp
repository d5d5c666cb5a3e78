#pragma once

#include "orrery/model/dtype.hpp"
#include "orrery/model/llama.hpp"
#include "orrery/model/llama_config.hpp"
#include "orrery/schedule/tiles.hpp"

#include <cstdint>
#include <span>

namespace orrery::schedule {

/// Floating-point operations of one tile's forward (a multiply and an add are two), padding counted; with
/// last_token the last block runs for the last tokens alone.
struct ForwardFlop {
  double product = 0;    ///< products with weights
  double attention = 0;  ///< scores and their weighted sums
  double total() const { return product + attention; }
};
ForwardFlop forward_flop(const model::LlamaConfig& config, model::Measured measured, const Tile& tile);

/// The cost by which tiles are dealt to ranks: all the flop of each.
std::vector<double> tile_costs(const model::LlamaConfig& config, model::Measured measured,
                               std::span<const Tile> tiles);

/// The most bytes that the forward of `tile` holds at once, weights and captured rows aside: in a block that
/// runs for all tokens.
std::int64_t forward_bytes(const model::LlamaConfig& config, const Tile& tile, model::DType dtype,
                           model::DType residual);

/// The bytes of a tile between two layers: its stream, rotations and mask, which `--order layers` keeps for
/// every tile.
std::int64_t waiting_bytes(const model::LlamaConfig& config, const Tile& tile, model::DType dtype,
                           model::DType residual);

}  // namespace orrery::schedule
