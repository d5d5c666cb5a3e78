#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

namespace orrery::statistics {

/// A natural number of any length: as much of long arithmetic as exact sums need at their end, by schoolbook.
class Natural {
 public:
  Natural() = default;  ///< 0
  explicit Natural(std::uint64_t value);
  /// From limbs of 32 bits, the least first, each in 0 … 2³² − 1.
  explicit Natural(std::span<const std::int64_t> limbs);

  Natural operator*(const Natural& other) const;
  Natural operator-(const Natural& other) const;  ///< `other` is not greater
  Natural shifted(int bits) const;                ///< times 2^bits, bits ≥ 0
  std::strong_ordering operator<=>(const Natural& other) const;
  bool operator==(const Natural& other) const = default;

  /// significand · 2^exponent, `significand` an integer below 2⁵³.
  struct Rounded {
    double significand = 0;
    int exponent = 0;
  };
  /// The nearest number of 53 bits, ties to even.
  Rounded rounded() const;

 private:
  void trim();
  std::int64_t length() const;  ///< in bits
  bool bit(std::int64_t place) const { return (limbs_[place / 32] >> place % 32 & 1) != 0; }

  std::vector<std::uint32_t> limbs_;  // the least first; the last is not 0
};

}  // namespace orrery::statistics
