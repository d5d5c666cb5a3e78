#pragma once

#include "orrery/statistics/row_statistic.hpp"
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
  std::int64_t columns() const { return columns_; }

  /// Writes the numbers of the row x (P, D), float or double, to `line` (columns).
  template <class T>
  void measure(const T* x, double* line) const;
  /// The straightness in a row's line.
  double straightness_of(const double* line) const { return line[straightness_]; }

  /// The statistics whose means and standard deviations (columns) are these, over the rows where a number is
  /// not NaN; with `table` (N, columns), the rows' own numbers too.
  SampleStatistics statistics(std::span<const double> mean, std::span<const double> standard_deviation,
                              std::span<const double> table = {}) const;

 private:
  /// A statistic, and where its run of numbers begins in a line.
  struct Column {
    const RowStatistic* statistic;
    RowDescription description;
    std::int64_t first;
  };

  std::int64_t steps() const { return extent_.points - 1; }
  /// How many numbers a row has along this.
  std::int64_t length_of(Along along) const;
  template <class Place>
  void put(Along along, std::int64_t place, const Place& there, double* line) const;
  template <class T>
  void measure_permuted(const T* x, std::span<const double> norms, double* line) const;

  Extent extent_;
  std::vector<std::int64_t> permuted_points_;
  std::vector<Column> all_;  ///< in their order
  std::int64_t permuted_cosine_ = 0, permuted_velocity_ = 0, columns_ = 0;
  std::int64_t cosine_ = 0, velocity_ = 0, straightness_ = 0;  ///< of the statistics that others rest on
};

}  // namespace orrery::statistics
