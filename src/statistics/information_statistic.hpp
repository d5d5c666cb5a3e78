#pragma once

#include "orrery/statistics/information.hpp"
#include "orrery/statistics/trace_statistic.hpp"

namespace orrery::statistics {

/// The mutual information of each unit at neighbouring points (information.hpp).
class InformationStatistic final : public TraceStatistic {
 public:
  StatisticDatasets describe(const TraceExtent& extent) const override;
  StatisticCost cost(const CostCase& of) const override;
  void take_units(const StatisticRun& run, const UnitShard& shard, const UnitStatistics&) override;
  void put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const override;
  void verify(StoredNumbers& stored, const TraceExtent& extent) const override;

 private:
  MutualInformation information_;
};

}  // namespace orrery::statistics
