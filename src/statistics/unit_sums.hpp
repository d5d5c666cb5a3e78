#pragma once

#include "orrery/parallel/communicator.hpp"
#include "unit_moments.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace orrery::statistics {

/// A run of sums over units, in plain doubles so that runs travel and add up as lists: Σ value at each of
/// `length` places, then how many values were not NaN there.
class SumRun {
 public:
  static constexpr std::int64_t size(std::int64_t length) { return 2 * length; }

  /// A view of the first `size(length)` numbers of `sums`.
  SumRun(std::span<double> sums, std::int64_t length) : sums_(sums), length_(length) {}

  /// Adds a value, unless it is NaN.
  void add(std::int64_t place, double value);
  double mean(std::int64_t place) const;  ///< over the values added; NaN where there are none
  std::int64_t count(std::int64_t place) const { return static_cast<std::int64_t>(sums_[length_ + place]); }

 private:
  std::span<double> sums_;
  std::int64_t length_;
};

/// Units `begin` … `end` − 1 of a rank's list: at most one block.
struct UnitRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// Collective: the sum over all units of `size` numbers; on rank 0, empty elsewhere. `work` adds those of one
/// block of this rank's `units` units to zeros and must not communicate; blocks are dealt as `by_unit` does,
/// and added up in their order over all ranks: the same bits for any number of ranks and threads. `phase`
/// names the place in an internal error.
std::vector<double> sum_over_units(const parallel::Communicator& ranks, std::string_view phase,
                                   std::int64_t units, std::int64_t size, int threads,
                                   const std::function<void(UnitRange, std::span<double>)>& work);

/// Collective: the columns (`width`; D) of a table whose line u, `width` numbers, is that of this rank's unit
/// `units[u]`; on rank 0, empty columns elsewhere.
std::vector<std::vector<double>> gather_units(const parallel::Communicator& ranks, std::string_view phase,
                                              std::span<const std::int64_t> units,
                                              std::span<const double> table, std::int64_t width,
                                              std::int64_t all_units);

/// Adds the correlations of a unit's points to a run of P² places, those above the diagonal and on it.
void add_correlations(const UnitMoments& moments, std::int64_t points, SumRun& sums);

/// The mean correlation (P, P) of such a run, both triangles.
std::vector<double> mean_correlation(const SumRun& sums, std::int64_t points);

}  // namespace orrery::statistics
