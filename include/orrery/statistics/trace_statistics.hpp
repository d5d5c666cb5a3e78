#pragma once

#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/cost.hpp"
#include "orrery/statistics/headline.hpp"
#include "orrery/statistics/point_statistics.hpp"
#include "orrery/statistics/sample_statistics.hpp"
#include "orrery/statistics/shards.hpp"
#include "orrery/statistics/unit_statistics.hpp"

namespace orrery::statistics {

/// All that a trace file holds of statistics from kept rows, each piece on the rank that writes it:
/// - rank 0: `rows`; `units.correlation`, `correlation_units`, `residual_null`; `points.spectrum`;
/// `headline`;
/// - every rank, the columns of its units: `units.mean`, `variance`, `adjacent_correlation`;
/// - every rank, the lines of its points: `points.mean`, `eigenvalue`, `component`.
struct TraceStatistics {
  SampleStatistics rows;
  UnitStatistics units;
  PointStatistics points;
  Headline headline;
};

/// Collective: all statistics of kept rows, which must be finite (`check_finite`). At most one of the shards
/// by unit and by point is held at a time. The same bits for any number of ranks and threads, and any
/// assignment of samples.
TraceStatistics trace_statistics(const parallel::Communicator& ranks, const SampleShard& rows,
                                 const Extent& extent, const StatisticsOptions& options);

}  // namespace orrery::statistics
