#pragma once

#include "orrery/core/index.hpp"
#include "orrery/model/description.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace orrery::schedule {

/// Samples that run together, padded to the longest. Which share a tile depends on the corpus and on the
/// options alone, never on the number of ranks or threads: so do the bits of every result.
struct Tile {
  std::vector<core::Sample> samples;
  std::int64_t length = 0;  ///< tokens of the longest: the tile is samples × length

  model::BatchShape shape() const { return {std::ssize(samples), length}; }
  std::int64_t tokens() const { return shape().tokens(); }
};

/// Groups samples of `lengths` tokens, shortest first and equal ones in corpus order, into tiles of at most
/// `tile_tokens` tokens, padding counted, and of one sample at least.
std::vector<Tile> make_tiles(std::span<const std::int64_t> lengths, std::int64_t tile_tokens);

/// Deals items to ranks so that the dearest share is small: dearest item first, to the rank that has least.
/// Returns the items of each rank, ascending. Needs no communication: every rank computes the same.
std::vector<std::vector<std::int64_t>> deal(std::span<const double> costs, int ranks);

}  // namespace orrery::schedule
