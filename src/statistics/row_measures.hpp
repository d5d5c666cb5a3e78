#pragma once

#include "orrery/statistics/sample_statistics.hpp"
#include "orrery/statistics/shards.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace orrery::statistics {

/// What is measured on a row by itself, as one line of numbers: kept rows put the lines in a table, streaming
/// adds them up and forgets them. A number is NaN where it is not defined. Threads may share one object.
class RowMeasures {
 public:
  /// `permuted_points` (P) is the point shown at each place of the control `layer_permuted`. Throws
  /// internal_error unless it is a permutation of 0 … P − 1.
  RowMeasures(const Extent& extent, std::vector<std::int64_t> permuted_points);

  /// The length of a line.
  std::int64_t columns() const;

  /// Writes the numbers of the row x (P, D), float or double, to `line` (columns).
  template <class T>
  void measure(const T* x, double* line) const;
  /// The straightness in a row's line.
  double straightness_of(const double* line) const { return line[straightness()]; }

  /// The statistics whose means and standard deviations (columns) are these, over the rows where a number is
  /// not NaN; with `table` (N, columns), the rows' own numbers too.
  SampleStatistics statistics(std::span<const double> mean, std::span<const double> standard_deviation,
                              std::span<const double> table = {}) const;

 private:
  // Where a line's numbers lie: runs of P − 1, of P, of P − 2, one number, and runs of P − 1.
  std::int64_t steps() const { return extent_.points - 1; }
  std::int64_t bends() const { return extent_.points > 1 ? extent_.points - 2 : 0; }
  std::int64_t cosine() const { return 0; }
  std::int64_t velocity() const { return steps(); }
  std::int64_t relative_velocity() const { return 2 * steps(); }
  std::int64_t norm() const { return 3 * steps(); }
  std::int64_t abs() const { return norm() + extent_.points; }
  std::int64_t active() const { return norm() + 2 * extent_.points; }
  std::int64_t hoyer() const { return norm() + 3 * extent_.points; }
  std::int64_t kurtosis() const { return norm() + 4 * extent_.points; }
  std::int64_t curvature() const { return norm() + 5 * extent_.points; }
  std::int64_t straightness() const { return curvature() + bends(); }
  std::int64_t permuted_cosine() const { return straightness() + 1; }
  std::int64_t permuted_velocity() const { return permuted_cosine() + steps(); }

  void measure_point(std::span<const double> x, std::int64_t point, double* line) const;
  void measure_step(std::span<const double> before, std::span<const double> after, std::int64_t step,
                    std::span<double> change, double* line) const;
  template <class T>
  void measure_permuted(const T* x, double* line) const;

  Extent extent_;
  std::vector<std::int64_t> permuted_points_;
};

}  // namespace orrery::statistics
