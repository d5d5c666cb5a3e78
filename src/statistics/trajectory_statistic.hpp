#pragma once

#include "orrery/statistics/trace_statistic.hpp"

namespace orrery::statistics {

/// The mean trajectory of each unit, and its variance at each point: /trajectory.
class TrajectoryStatistic final : public TraceStatistic {
 public:
  StatisticDatasets describe(const TraceExtent& extent) const override;
  StatisticCost cost(const CostCase& of) const override;
  void put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const override;
  void verify(StoredNumbers& stored, const TraceExtent& extent) const override;
};

}  // namespace orrery::statistics
