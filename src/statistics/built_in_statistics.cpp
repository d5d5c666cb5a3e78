#include "control_statistics.hpp"
#include "correlation_statistic.hpp"
#include "geometry_statistics.hpp"
#include "information_statistic.hpp"
#include "orrery/statistics/row_statistic.hpp"
#include "orrery/statistics/trace_statistic.hpp"
#include "pca_statistic.hpp"
#include "pooled_statistic.hpp"
#include "rotation_statistics.hpp"
#include "row_continuity.hpp"
#include "row_density.hpp"
#include "row_geometry.hpp"
#include "row_series_statistic.hpp"
#include "trajectory_statistic.hpp"

namespace orrery::statistics {

// The list of statistics of rows: a new one is its class and a line here.
std::vector<const RowStatistic*> built_in_row_statistics() {
  static const RowCosine cosine;
  static const RowVelocity velocity;
  static const RowRelativeVelocity relative_velocity;
  static const RowNorm norm;
  static const RowAbs abs;
  static const RowActive active;
  static const RowHoyer hoyer;
  static const RowKurtosis kurtosis;
  static const RowCurvature curvature;
  static const RowStraightness straightness;
  return {&cosine, &velocity, &relative_velocity, &norm,      &abs,
          &active, &hoyer,    &kurtosis,          &curvature, &straightness};
}

// The list of statistics of a trace, in the order of its headline.
std::vector<std::unique_ptr<TraceStatistic>> built_in_trace_statistics() {
  std::vector<std::unique_ptr<TraceStatistic>> all;
  all.push_back(std::make_unique<TrajectoryStatistic>());
  all.push_back(std::make_unique<CorrelationStatistic>());
  all.push_back(std::make_unique<InformationStatistic>());
  all.push_back(std::make_unique<PooledStatistic>());
  all.push_back(std::make_unique<RowSeriesStatistic>());
  all.push_back(std::make_unique<PcaStatistic>());
  all.push_back(std::make_unique<PlaneCurvatureStatistic>());
  all.push_back(std::make_unique<PrincipalAngleStatistic>());
  all.push_back(std::make_unique<FlowStatistic>());
  all.push_back(std::make_unique<TurnStatistic>());
  all.push_back(std::make_unique<SampleTurnStatistic>());
  all.push_back(std::make_unique<SamplePermutedStatistic>());
  all.push_back(std::make_unique<LayerPermutedStatistic>());
  all.push_back(std::make_unique<RandomBasisStatistic>());
  return all;
}

}  // namespace orrery::statistics
