#include "information_statistic.hpp"

#include "correlation_statistic.hpp"
#include "memory_sizes.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "put_numbers.hpp"

#include <cmath>

namespace orrery::statistics {

StatisticDatasets InformationStatistic::describe(const TraceExtent& extent) const {
  // The information itself is from 0 to log B; the bias taken off is what the range is widened by.
  const std::int64_t sides = information_bins(extent.rows);
  const auto bins = static_cast<double>(sides);
  const auto rows = static_cast<double>(extent.rows);
  const core::Range range{-(bins - 1) * (bins - 1) / (2 * rows), std::log(bins) + (bins - 1) / (2 * rows),
                          1e-6};
  return {
      .datasets =
          {{.path = "/continuity/mutual_information",
            .type = core::ElementType::float32,
            .dimensions = {"step", "unit"},
            .long_name = "mutual information over rows of x[:,s,d] and x[:,s+1,d]: plug-in estimate on bins "
                         "x bins cells less the Miller-Madow bias (K_xy - K_x - K_y + 1) / (2 N), K counting "
                         "occupied cells",
            .units = "nat",
            .attributes = {{"bins", sides},
                           {"bins_rule",
                            "equal-frequency, B = floor(sqrt(N / 5)) from 2 to 32: the value of rank r falls "
                            "in bin floor(r B / N), equal values share the lowest of their ranks"}},
            .nan_where = "the unit is constant at either point",
            .range = range},
           {.path = "/continuity/mutual_information_mean",
            .dimensions = {"step"},
            .long_name = "mean over units of mutual_information; units constant at either point are left out",
            .units = "nat",
            .nan_where = "no unit varies at both points",
            .range = range}},
      .not_streamed = {"/continuity/mutual_information", "/continuity/mutual_information_mean"}};
}

StatisticCost InformationStatistic::cost(const CostCase& of) const {
  return {.during = Sharding::units,
          .held = static_cast<std::int64_t>(sizeof(float)) * units_of_a_rank(of.extent, of.ranks) *
                  of.extent.points};
}

void InformationStatistic::take_units(const StatisticRun& run, const UnitShard& shard,
                                      const UnitStatistics&) {
  information_ = mutual_information(run.ranks, shard, run.extent, run.options.threads);
}

void InformationStatistic::put(const StatisticRun& run, const TraceMoments& moments,
                               const PutNumbers& to) const {
  put_columns(to, "/continuity/mutual_information", information_.of_units, moments.units.units);
  if (run.ranks.is_root()) put_line(to, "/continuity/mutual_information_mean", information_.mean);
}

void InformationStatistic::verify(StoredNumbers& stored, const TraceExtent& extent) const {
  if (!stored.has({"/continuity/mutual_information", "/continuity/mutual_information_mean",
                   "/continuity/correlation_units"}))
    return;
  const std::vector<double> mean = stored.reals("/continuity/mutual_information_mean");
  const std::vector<double> count = stored_units_that_vary(stored, extent);
  verify_mean_over_units(
      stored, extent, "/continuity/mutual_information", "mean of mutual information",
      [&](std::int64_t step) { return mean[step]; }, [&](std::int64_t step) { return count[step]; });
}

}  // namespace orrery::statistics
