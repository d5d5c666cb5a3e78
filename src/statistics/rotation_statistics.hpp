#pragma once

#include "orrery/statistics/rotation.hpp"
#include "orrery/statistics/trace_statistic.hpp"

#include <vector>

namespace orrery::statistics {

/// How units turn in their phase portraits, and what chance would make of it (rotation.hpp).
class TurnStatistic final : public TraceStatistic {
 public:
  StatisticDatasets describe(const TraceExtent& extent) const override;
  StatisticCost cost(const CostCase& of) const override;
  void take_units(const StatisticRun& run, const UnitShard& shard, const UnitStatistics&) override;
  void take_moments(const StatisticRun& run, const TraceMoments& moments) override;
  void tell(const StatisticRun& run, const TraceMoments& moments, Headline& headline) const override;
  void put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const override;
  void verify(StoredNumbers& stored, const TraceExtent& extent) const override;

  /// On rank 0.
  const UnitTurns& turns() const { return turns_; }

 private:
  UnitTurns turns_;
  std::vector<TurnSummary> left_out_;  ///< the summary without each block of samples
};

/// How units turn in each sample.
class SampleTurnStatistic final : public TraceStatistic {
 public:
  StatisticDatasets describe(const TraceExtent& extent) const override;
  StatisticCost cost(const CostCase& of) const override;
  void put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const override;
};

/// Operations of the turns of each row.
double row_turn_flops(const CostCase& of);

}  // namespace orrery::statistics
