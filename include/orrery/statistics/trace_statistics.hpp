#pragma once

#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/controls.hpp"
#include "orrery/statistics/cost.hpp"
#include "orrery/statistics/geometry.hpp"
#include "orrery/statistics/headline.hpp"
#include "orrery/statistics/information.hpp"
#include "orrery/statistics/linear_flow.hpp"
#include "orrery/statistics/point_controls.hpp"
#include "orrery/statistics/point_statistics.hpp"
#include "orrery/statistics/pooled.hpp"
#include "orrery/statistics/rotation.hpp"
#include "orrery/statistics/sample_statistics.hpp"
#include "orrery/statistics/shards.hpp"
#include "orrery/statistics/unit_statistics.hpp"

namespace orrery::statistics {

/// One of the controls: what it measures of units and of steps. On rank 0.
struct Control {
  UnitControl units;
  StepMeans steps;
};

/// All that a trace file holds of statistics, each piece on the rank that writes it: every rank has the
/// columns of its units (`units.mean`, `variance`, `adjacent_correlation`, `information.of_units`) and the
/// lines of its points (`points.mean`, `eigenvalue`, `component`, `scores.score`); all else is on rank 0,
/// `pooled` on all. What a run does not have is empty or undefined.
struct TraceStatistics {
  SampleStatistics rows;
  UnitStatistics units;
  MutualInformation information;
  UnitTurns turns;
  SampleTurns sample_turns;
  PointStatistics points;
  PooledComponents pooled;
  PooledScores scores;
  RowSeries plane_curvature;  ///< (P − 2) angles in the first two pooled components
  at::Tensor principal_angle;
  std::vector<FlowStep> flow;
  Control sample_permuted;
  Control layer_permuted;
  Control random_basis;
  Headline headline;
};

/// Collective: all statistics of kept rows, which must be finite (`find_fault`). At most one of the
/// shards by unit and by point is held at a time. The same bits for any number of ranks and threads, and any
/// assignment of samples.
TraceStatistics trace_statistics(const parallel::Communicator& ranks, const SampleShard& rows,
                                 const Extent& extent, const StatisticsOptions& options);

}  // namespace orrery::statistics
