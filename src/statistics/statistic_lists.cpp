// The lists of all statistics: a new one is its class and a line here.
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

namespace {

std::vector<const RowStatistic*>& known_row_statistics() {
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
  static std::vector<const RowStatistic*> all = {
      &cosine, &velocity, &relative_velocity, &norm,      &abs,
      &active, &hoyer,    &kurtosis,          &curvature, &straightness};
  return all;
}

/// In the order of the headline.
std::vector<MakeStatistic>& known_trace_statistics() {
  static std::vector<MakeStatistic> all = {
      make_statistic<TrajectoryStatistic>,     make_statistic<CorrelationStatistic>,
      make_statistic<InformationStatistic>,    make_statistic<PooledStatistic>,
      make_statistic<RowSeriesStatistic>,      make_statistic<PcaStatistic>,
      make_statistic<PlaneCurvatureStatistic>, make_statistic<PrincipalAngleStatistic>,
      make_statistic<FlowStatistic>,           make_statistic<TurnStatistic>,
      make_statistic<SampleTurnStatistic>,     make_statistic<SamplePermutedStatistic>,
      make_statistic<LayerPermutedStatistic>,  make_statistic<RandomBasisStatistic>};
  return all;
}

}  // namespace

AddedStatistic::AddedStatistic(const RowStatistic& statistic) {
  known_row_statistics().push_back(&statistic);
}

AddedStatistic::AddedStatistic(MakeStatistic make) {
  known_trace_statistics().push_back(make);
}

const std::vector<const RowStatistic*>& row_statistics() {
  return known_row_statistics();
}

std::vector<std::unique_ptr<TraceStatistic>> trace_statistics_of_run() {
  std::vector<std::unique_ptr<TraceStatistic>> fresh;
  for (const MakeStatistic make : known_trace_statistics()) fresh.push_back(make());
  return fresh;
}

}  // namespace orrery::statistics
