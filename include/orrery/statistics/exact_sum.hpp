#pragma once

#include "orrery/core/state.hpp"
#include "orrery/parallel/communicator.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace orrery::statistics {

/// Sums of doubles without rounding, so that neither the order of the terms nor who adds them matters. Each
/// is a long accumulator (Kulisch): an integer of 67 limbs of 32 bits in units of 2⁻¹⁰⁷⁴, the last bit that a
/// double can have. Limbs are kept in 64 bits, and carries wait until 2³⁰ terms were added.
///
/// NaN is skipped. An infinity throws internal_error. For one thread; give each its own and `merge`.
class ExactSums {
 public:
  /// `size` sums of nothing.
  explicit ExactSums(std::int64_t size);
  static std::int64_t bytes(std::int64_t size);

  std::int64_t size() const { return std::ssize(counts_); }

  void add(std::int64_t i, double value);
  /// Adds value², as its two halves: exact for 2⁻⁴⁸⁴ ≤ |value| < 2⁵¹². The square of a smaller one is off by
  /// less than 2⁻¹⁰⁷⁴; that of a greater one throws internal_error.
  void add_square(std::int64_t i, double value);
  /// Adds the sums and counts of another of the same size.
  void merge(const ExactSums& other);
  /// Collective: the sums over all ranks, on all. Once, after the last `add`.
  void reduce(const parallel::Communicator& ranks);

  void save(core::StateWriter& state) const;
  /// Adds what sums of the same size have saved.
  void add_saved(core::StateReader& state);

  /// How many terms that are not NaN.
  std::int64_t count(std::int64_t i) const { return counts_[i]; }
  /// The sum, rounded once, to nearest and ties to even; ±infinity beyond the doubles. 0 is +0.
  double sum(std::int64_t i) const;
  /// The rounded sum over `count`; NaN where there are no terms.
  double mean(std::int64_t i) const;

 private:
  friend class ExactMoments;
  static constexpr std::int64_t limbs = 67;

  std::span<std::int64_t> number(std::int64_t i) { return {limbs_.data() + i * limbs, limbs}; }
  std::span<const std::int64_t> number(std::int64_t i) const { return {limbs_.data() + i * limbs, limbs}; }
  void accumulate(std::int64_t i, double value);

  std::vector<std::int64_t> limbs_;    // (size, limbs), the least first; the last one has the sign
  std::vector<std::int64_t> counts_;   // (size)
  std::vector<std::int32_t> pending_;  // (size) terms since the limbs were last below 2³²
};

/// Means and standard deviations of lists of doubles, the same bits in any order and for any number of ranks:
/// from exact sums of values and of their squares, whose difference is taken before anything is rounded, so
/// that 1 ± 10⁻⁹ keeps all digits of its spread.
class ExactMoments {
 public:
  explicit ExactMoments(std::int64_t size) : size_(size), sums_(2 * size) {}
  static std::int64_t bytes(std::int64_t size) { return ExactSums::bytes(2 * size); }

  std::int64_t size() const { return size_; }

  /// As ExactSums::add; |value| < 2⁵¹².
  void add(std::int64_t i, double value) {
    sums_.add(i, value);
    sums_.add_square(size_ + i, value);
  }
  void merge(const ExactMoments& other) { sums_.merge(other.sums_); }
  /// Collective: over all ranks, on all. Once, after the last `add`.
  void reduce(const parallel::Communicator& ranks) { sums_.reduce(ranks); }
  void save(core::StateWriter& state) const { sums_.save(state); }
  void add_saved(core::StateReader& state) { sums_.add_saved(state); }

  std::int64_t count(std::int64_t i) const { return sums_.count(i); }
  double mean(std::int64_t i) const { return sums_.mean(i); }  ///< NaN where there are no values
  /// √((Σx² − (Σx)²/n)/(n − 1)); NaN at n < 2, exactly 0 where all values are equal.
  double standard_deviation(std::int64_t i) const;

 private:
  std::int64_t size_;
  ExactSums sums_;  // size_ sums of values, then as many of squares
};

}  // namespace orrery::statistics
