#pragma once

#include "orrery/statistics/trace_statistic.hpp"

namespace orrery::statistics {

/// The principal components of the rows at all points together, and the scores in them: /pooled (pooled.hpp,
/// geometry.hpp).
class PooledStatistic final : public TraceStatistic {
 public:
  StatisticDatasets describe(const TraceExtent& extent) const override;
  StatisticCost cost(const CostCase& of) const override;
  void put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const override;
  void verify(StoredNumbers& stored, const TraceExtent& extent) const override;
};

}  // namespace orrery::statistics
