#include "block_hash.hpp"

#include <xxhash.h>

namespace orrery::archive {

std::uint64_t block_hash(std::span<const std::byte> bytes) {
  return XXH64(bytes.data(), bytes.size(), 0);
}

}  // namespace orrery::archive
