#pragma once

#include "orrery/archive/checkpoint.hpp"
#include "orrery/parallel/communicator.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace orrery::run {

/// A block that was done, with the hash of what it wrote.
struct DoneBlock {
  std::int64_t block = 0;
  std::uint64_t hash = 0;
};

/// Collective: the blocks, ascending, that rank 0's checkpoint counts as done and whose numbers are in the
/// file as they were committed: a machine that went down may have lost them. The others are dropped from the
/// checkpoint, each with a warning that calls it a `what`. `known` are all blocks of the run, ascending.
/// `hash_of` a block is asked of some rank.
std::vector<std::int64_t> sound_blocks(const parallel::Communicator& ranks, archive::Checkpoint& checkpoint,
                                       std::span<const std::int64_t> known, const char* what,
                                       const std::function<std::uint64_t(std::int64_t)>& hash_of);

}  // namespace orrery::run
