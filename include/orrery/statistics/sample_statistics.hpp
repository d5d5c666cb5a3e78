#pragma once

#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/shards.hpp"

#include <cstdint>
#include <vector>

namespace orrery::statistics {

/// A unit counts as active where |x| is above this (τ of science.md).
constexpr double active_threshold = 0.1;

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
  // (P − 1), one a step from point s to s + 1
  RowSeries cosine;             ///< between x[s] and x[s+1]; NaN where either is zero
  RowSeries velocity;           ///< ‖x[s+1] − x[s]‖₂
  RowSeries relative_velocity;  ///< the same over ‖x[s]‖₂; NaN where that is zero
  // (P), one a point
  RowSeries norm;      ///< ‖x‖₂
  RowSeries abs;       ///< mean |x| over units
  RowSeries active;    ///< fraction of units with |x| > active_threshold
  RowSeries hoyer;     ///< (√D − ‖x‖₁/‖x‖₂)/(√D − 1); NaN for zero vectors and D = 1
  RowSeries kurtosis;  ///< m₄/m₂² − 3 over units; NaN where all units are equal
  // (P − 2), one a bend
  RowSeries curvature;  ///< angle between the steps from s to s + 1 and on to s + 2; NaN where one is zero
  // a single number
  RowSeries straightness;  ///< Σ velocity over ‖x[P−1] − x[0]‖₂; NaN where that is zero
  // (P − 1), of the control `layer_permuted`
  RowSeries permuted_cosine;    ///< between the points shown at places s and s + 1; NaN where either is zero
  RowSeries permuted_velocity;  ///< the distance between them

  std::vector<double> acceleration;  ///< (P − 2) velocity.mean[s+1] − velocity.mean[s]
};

/// Collective: measures each row on the rank that holds it, in double precision, and gathers the numbers in
/// sample order: the same bits for any number of ranks and threads and any assignment of rows.
/// `permuted_points` (P) is the point shown at each place of the control `layer_permuted`.
SampleStatistics sample_statistics(const parallel::Communicator& ranks, const SampleShard& rows,
                                   const Extent& extent, const std::vector<std::int64_t>& permuted_points,
                                   int threads);

}  // namespace orrery::statistics
