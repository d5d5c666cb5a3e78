#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace orrery::archive {

/// XXH64 (seed 0) of a block's bytes, to tell whether a file gave back what was written: a difference is
/// missed once in about 2⁶⁴, one within a single 8-byte word never. Not SHA-256, which is for inputs that a
/// person may want to check: without its instructions a core makes 0.4 GB/s of it, less than one disk.
std::uint64_t block_hash(std::span<const std::byte> bytes);

}  // namespace orrery::archive
