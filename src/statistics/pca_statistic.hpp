#pragma once

#include "orrery/statistics/trace_statistic.hpp"
#include "point_jackknife.hpp"

#include <vector>

namespace orrery::statistics {

/// The principal components of the rows at each point, and how many dimensions those need: /pca
/// (point_statistics.hpp).
class PcaStatistic final : public TraceStatistic {
 public:
  StatisticDatasets describe(const TraceExtent& extent) const override;
  StatisticCost cost(const CostCase& of) const override;
  void take_points(const StatisticRun& run, const PointShard& shard) override;
  void tell(const StatisticRun& run, const TraceMoments& moments, Headline& headline) const override;
  void put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const override;
  void verify(StoredNumbers& stored, const TraceExtent& extent) const override;
  void verify_headline(const StoredNumbers& stored, const TraceExtent& extent,
                       HeadlineCheck& check) const override;

 private:
  static double flops(const CostCase& of);

  std::vector<LeftOutDimension> left_out_;  ///< on rank 0, of the points of the headline
};

}  // namespace orrery::statistics
