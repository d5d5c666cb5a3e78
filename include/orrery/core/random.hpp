#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

namespace orrery::core {

/// What random numbers are for: part of their key, so that no two uses share a stream. Changing a value
/// changes every result that uses it.
enum class Purpose : std::uint32_t {
  token_position = 1,      ///< first: the sample's line in the corpus
  pilot = 2,               ///< tiles that fix the quanta of exact sums
  sample_permutation = 3,  ///< first: the capture point
  layer_permutation = 4,
  basis = 5,      ///< first: row of the matrix
  weight = 6,     ///< first: a hash of the tensor's name
  direction = 7,  ///< of noise; first: its index
  // Nulls of the rotations; first: the unit, second: the draw.
  null_points = 8,
  null_layers = 9,
  null_steps = 10,
  null_signs = 11,
  control_direction = 12,  ///< of a teleport's control; first: its grid point
};

/// A stream of random numbers that depends on (seed, purpose, first, second) alone, never on rank, thread or
/// time: the words of Random123's Philox4x32-10 with key (low, high half of seed) and counters (block,
/// purpose, first, second), block = 0, 1, … The same on every machine, but for `normal`, which rests on the
/// C library's logarithm and sine.
class Random {
 public:
  Random(std::uint64_t seed, Purpose purpose, std::uint32_t first = 0, std::uint32_t second = 0);

  /// The stream from its `block`-th block of four words on, to draw a long one in parts.
  void seek(std::uint32_t block);

  /// The next word.
  std::uint32_t bits() {
    if (used_ == words_.size()) refill();
    return words_[used_++];
  }
  /// [0, 1), 53 bits of two words: (a/2⁵ · 2²⁶ + b/2⁶) / 2⁵³.
  double uniform();
  /// Normal numbers of mean 0 and spread 1 by Box and Muller: of two uniforms u, v, first √(−2 ln(1 − u))
  /// cos 2πv, then the same with sin.
  double normal();
  /// 0 … count − 1, all equally likely (Lemire's multiplication with rejection). `count` > 0.
  std::uint32_t below(std::uint32_t count) {
    std::uint64_t product = std::uint64_t{bits()} * count;
    if (static_cast<std::uint32_t>(product) < count) {
      const std::uint32_t least = (0 - count) % count;
      while (static_cast<std::uint32_t>(product) < least) product = std::uint64_t{bits()} * count;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }
  /// Fisher and Yates: each place from the last down to the second swaps with one at or below it.
  template <class T>
  void shuffle(std::span<T> values) {
    for (std::size_t i = values.size(); i > 1; --i) {
      std::swap(values[i - 1], values[below(static_cast<std::uint32_t>(i))]);
    }
  }

 private:
  void refill();

  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> words_{};
  std::size_t used_ = 4;
  double spare_ = 0;  ///< the second normal number of a pair
  bool has_spare_ = false;
};

}  // namespace orrery::core
