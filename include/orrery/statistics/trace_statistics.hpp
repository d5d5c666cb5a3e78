#pragma once

#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/controls.hpp"
#include "orrery/statistics/geometry.hpp"
#include "orrery/statistics/linear_flow.hpp"
#include "orrery/statistics/point_controls.hpp"
#include "orrery/statistics/point_statistics.hpp"
#include "orrery/statistics/pooled.hpp"
#include "orrery/statistics/rotation.hpp"
#include "orrery/statistics/sample_statistics.hpp"
#include "orrery/statistics/shards.hpp"
#include "orrery/statistics/trace_statistic.hpp"
#include "orrery/statistics/unit_statistics.hpp"

#include <memory>
#include <vector>

namespace orrery::statistics {

/// One of the controls: what it measures of units and of steps. On rank 0.
struct Control {
  UnitControl units;
  StepMeans steps;
};

/// What kept rows and streamed ones leave behind alike, each piece on the rank that has it: every rank has
/// the columns of its units (`units.mean`, `variance`, `adjacent_correlation`) and the lines of its points
/// (`points.mean`, `eigenvalue`, `component`, `scores.score`); all else is on rank 0, `pooled` on all. What a
/// run does not have is empty or undefined.
struct TraceMoments {
  SampleStatistics rows;
  UnitStatistics units;
  SampleTurns sample_turns;
  PointStatistics points;
  PooledComponents pooled;
  PooledScores scores;
  RowSeries plane_curvature;  ///< (P − 2) angles in the first two pooled components
  std::vector<FlowStep> flow;
  Control random_basis;
};

/// All that a trace file holds of statistics: they hand it over themselves (TraceStatistic::put).
struct TraceStatistics {
  TraceMoments moments;
  std::vector<std::unique_ptr<TraceStatistic>> all;
  Headline headline;
};

/// Collective: shows the moments to all of `statistics.all`, and puts the headline together.
void finish_statistics(const StatisticRun& run, TraceStatistics& statistics);

/// Collective: all statistics of kept rows, which must be finite (`find_fault`). At most one of the
/// shards by unit and by point is held at a time. The same bits for any number of ranks and threads, and any
/// assignment of samples.
TraceStatistics trace_statistics(const parallel::Communicator& ranks, const SampleShard& rows,
                                 const Extent& extent, const StatisticsOptions& options);

}  // namespace orrery::statistics
