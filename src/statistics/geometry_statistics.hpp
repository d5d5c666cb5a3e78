#pragma once

#include "orrery/statistics/trace_statistic.hpp"

namespace orrery::statistics {

/// How paths bend in the plane of the first two pooled components.
class PlaneCurvatureStatistic final : public TraceStatistic {
 public:
  StatisticDatasets describe(const TraceExtent& extent) const override;
  StatisticCost cost(const CostCase&) const override { return {.during = Sharding::points}; }
  void put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const override;
};

/// The angles between the leading subspaces of neighbouring points.
class PrincipalAngleStatistic final : public TraceStatistic {
 public:
  StatisticDatasets describe(const TraceExtent& extent) const override;
  StatisticCost cost(const CostCase&) const override { return {.during = Sharding::points}; }
  void take_moments(const StatisticRun& run, const TraceMoments& moments) override;
  void put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const override;
  void verify(StoredNumbers& stored, const TraceExtent& extent) const override;

 private:
  at::Tensor angles_;
};

/// The linear flow from point to point (linear_flow.hpp).
class FlowStatistic final : public TraceStatistic {
 public:
  StatisticDatasets describe(const TraceExtent& extent) const override;
  StatisticCost cost(const CostCase&) const override { return {.during = Sharding::points}; }
  void put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const override;
  void verify(StoredNumbers& stored, const TraceExtent& extent) const override;
};

}  // namespace orrery::statistics
