#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace orrery::archive {

/// XXH64 (Y. Collet, seed 0) of a block's bytes, to tell whether a file gave back what was written: a
/// difference is missed once in about 2⁶⁴, one within a single 8-byte word never. Not SHA-256, which is for
/// inputs that a person may want to check: without its instructions a core makes 0.4 GB/s of it, less than
/// one disk.
inline std::uint64_t block_hash(std::span<const std::byte> bytes) {
  constexpr std::uint64_t prime1 = 0x9E3779B185EBCA87;
  constexpr std::uint64_t prime2 = 0xC2B2AE3D27D4EB4F;
  constexpr std::uint64_t prime3 = 0x165667B19E3779F9;
  constexpr std::uint64_t prime4 = 0x85EBCA77C2B2AE63;
  constexpr std::uint64_t prime5 = 0x27D4EB2F165667C5;
  const auto round = [](std::uint64_t lane, std::uint64_t word) {
    return std::rotl(lane + word * prime2, 31) * prime1;
  };
  std::size_t at = 0;
  const auto take = [&]<class Word>(Word word) {
    std::memcpy(&word, bytes.data() + at, sizeof word);
    at += sizeof word;
    return word;
  };
  std::uint64_t hash = prime5;
  if (bytes.size() >= 32) {
    // Four lanes, so that the multiplications overlap.
    std::array<std::uint64_t, 4> lanes{prime1 + prime2, prime2, 0, -prime1};
    while (bytes.size() - at >= 32) {
      for (std::uint64_t& lane : lanes) lane = round(lane, take(std::uint64_t{}));
    }
    hash =
        std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) + std::rotl(lanes[3], 18);
    for (const std::uint64_t lane : lanes) hash = (hash ^ round(0, lane)) * prime1 + prime4;
  }
  hash += bytes.size();
  while (bytes.size() - at >= 8)
    hash = std::rotl(hash ^ round(0, take(std::uint64_t{})), 27) * prime1 + prime4;
  if (bytes.size() - at >= 4) hash = std::rotl(hash ^ (take(std::uint32_t{}) * prime1), 23) * prime2 + prime3;
  while (at < bytes.size()) hash = std::rotl(hash ^ (take(std::uint8_t{}) * prime5), 11) * prime1;
  hash = (hash ^ (hash >> 33)) * prime2;
  hash = (hash ^ (hash >> 29)) * prime3;
  return hash ^ (hash >> 32);
}

}  // namespace orrery::archive
