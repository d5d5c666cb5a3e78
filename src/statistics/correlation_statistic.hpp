#pragma once

#include "orrery/statistics/trace_statistic.hpp"

namespace orrery::statistics {

/// How each unit goes on from point to point: its correlations, and what independent steps would leave of
/// them (unit_statistics.hpp).
class CorrelationStatistic final : public TraceStatistic {
 public:
  StatisticDatasets describe(const TraceExtent& extent) const override;
  StatisticCost cost(const CostCase& of) const override;
  void tell(const StatisticRun& run, const TraceMoments& moments, Headline& headline) const override;
  void put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const override;
  void verify(StoredNumbers& stored, const TraceExtent& extent) const override;
  void verify_headline(const StoredNumbers& stored, const TraceExtent& extent,
                       HeadlineCheck& check) const override;
};

/// Operations of one correlation matrix of all units, own or of a control.
double correlation_flops(const CostCase& of);
/// Bytes while a rank works out those of its units and their sums, blocks of units side by side.
std::int64_t correlation_scratch(const CostCase& of);

/// Tries that the mean over units of (P − 1, D) values at `path`, of which some are NaN, is `mean` of the
/// step, and their number `count`.
void verify_mean_over_units(StoredNumbers& stored, const TraceExtent& extent, const std::string& path,
                            const std::string& subject, const std::function<double(std::int64_t)>& mean,
                            const std::function<double(std::int64_t)>& count);
/// The units that vary at both points of a step, as a file has them; nothing where it has none.
std::vector<double> stored_units_that_vary(const StoredNumbers& stored, const TraceExtent& extent);

}  // namespace orrery::statistics
