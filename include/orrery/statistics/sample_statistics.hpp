#pragma once

#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/shards.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace orrery::statistics {

/// One number a row at each of `length` places (points or steps), and its spread over rows.
struct RowSeries {
  std::int64_t length = 0;
  std::vector<double> rows;  ///< (N, length), samples in order; empty in streaming
  std::vector<double> mean;  ///< (length) over rows that are not NaN; NaN where all are
  std::vector<double>
      standard_deviation;  ///< (length) divisor n − 1 over the n rows that are not NaN; NaN at n < 2
};

/// What is measured on each row by itself (science.md, sections 1 and 3). On rank 0; empty elsewhere.
struct SampleStatistics {
  /// Of each statistic of rows, by its path (row_statistic.hpp); (P), (P − 1), (P − 2) or one number long.
  std::map<std::string, RowSeries> series;
  /// That of one statistic; one without numbers where there is none.
  const RowSeries& of(const std::string& path) const;

  // (P − 1), of the control `layer_permuted`
  RowSeries permuted_cosine;    ///< between the points shown at places s and s + 1; NaN where either is zero
  RowSeries permuted_velocity;  ///< the distance between them

  std::vector<double> acceleration;  ///< (P − 2) of(row_velocity).mean[s+1] − of(row_velocity).mean[s]
};

/// Collective: measures each row on the rank that holds it, in double precision, and gathers the numbers in
/// sample order: the same bits for any number of ranks and threads and any assignment of rows.
/// `permuted_points` (P) is the point shown at each place of the control `layer_permuted`.
SampleStatistics sample_statistics(const parallel::Communicator& ranks, const SampleShard& rows,
                                   const Extent& extent, const std::vector<std::int64_t>& permuted_points,
                                   int threads);

}  // namespace orrery::statistics
