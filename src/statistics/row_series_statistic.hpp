#pragma once

#include "orrery/statistics/trace_statistic.hpp"

namespace orrery::statistics {

/// All statistics of rows (row_statistic.hpp): their means and spreads over rows, and the acceleration, which
/// is a difference of means.
class RowSeriesStatistic final : public TraceStatistic {
 public:
  StatisticDatasets describe(const TraceExtent& extent) const override;
  StatisticCost cost(const CostCase& of) const override;
  void tell(const StatisticRun& run, const TraceMoments& moments, Headline& headline) const override;
  void put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const override;
  void verify(StoredNumbers& stored, const TraceExtent& extent) const override;
  void verify_headline(const StoredNumbers& stored, const TraceExtent& extent,
                       HeadlineCheck& check) const override;
};

}  // namespace orrery::statistics
