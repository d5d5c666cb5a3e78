#pragma once

#include "orrery/core/index.hpp"
#include "orrery/model/description.hpp"
#include "orrery/schedule/tiles.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace orrery::schedule {

/// Where runs of one token branch off a batch: at the input of `layer`, `rows` of them in place of the last
/// token of each sample.
struct Start {
  core::Layer layer;
  std::int64_t rows = 0;
};

/// Rows of one sample and one start that run side by side, behind a row of their own that is not perturbed:
/// so that what is equal to it stays equal to it, bit by bit.
struct RowGroup {
  std::int64_t sample = 0;  ///< place in the tile
  std::int64_t start = 0;   ///< place among the starts
  std::int64_t count = 0;   ///< the start's rows, the unperturbed one left out

  std::int64_t rows() const { return count + 1; }
};

/// What runs together of a sweep: the samples of a tile, and beside them the rows of all their starts.
struct Block {
  Tile tile;
  /// Rows that run together, group by group, of at most `batch_rows` or of one group.
  std::vector<std::vector<RowGroup>> continuations;

  /// Of all continuations, unperturbed ones counted.
  std::int64_t rows() const;
};

/// Deals the groups of all samples of a tile and all starts (ascending layers) to continuations, by start,
/// then by sample: of at most `batch_rows` rows each, or of one group, which is never cut.
std::vector<std::vector<RowGroup>> make_continuations(std::int64_t samples, std::span<const Start> starts,
                                                      std::int64_t batch_rows);

/// The blocks of samples of `lengths` tokens, their tiles as `make_tiles` has them. They depend on what is
/// given alone, never on the number of ranks: so do the bits of every result.
std::vector<Block> make_blocks(std::span<const std::int64_t> lengths, std::int64_t batch_tokens,
                               std::span<const Start> starts, std::int64_t batch_rows);

/// Operations of a block: the forward of its tile, and its rows from their layers on, with their logits.
model::ForwardFlop block_flop(const model::Description& model, const Block& block,
                              std::span<const Start> starts);

/// Next-token logits are taken of so many rows at a time: always so many, as a product's bits may depend on
/// it.
inline constexpr std::int64_t read_out_rows = 128;
/// And made probabilities of, in double precision, so many at a time: they stay in the processor's cache.
inline constexpr std::int64_t probability_rows = 16;

/// The most bytes that a block's run holds at once, weights aside: the forward of its tile, or one of its
/// continuations while the others wait; with the keys and values of a layer and what is measured of each row,
/// `measured` numbers of double precision.
std::int64_t block_bytes(const model::Description& model, const Block& block, std::int64_t measured,
                         const model::NumberFormats& formats);
/// Those of a block between two layers.
std::int64_t waiting_bytes(const model::Description& model, const Block& block, std::int64_t measured,
                           const model::NumberFormats& formats);

}  // namespace orrery::schedule
