#include "trajectory_statistic.hpp"

#include "describe.hpp"
#include "memory_sizes.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "put_numbers.hpp"

#include <cmath>

namespace orrery::statistics {

StatisticDatasets TrajectoryStatistic::describe(const TraceExtent& extent) const {
  return {.datasets = {{.path = "/trajectory/mean",
                        .dimensions = {"point", "unit"},
                        .long_name = "mean over rows of x[n,s,d]: the mean trajectory a[s,d]"},
                       {.path = "/trajectory/variance",
                        .dimensions = {"point", "unit"},
                        .long_name = "variance over rows of x[n,s,d], divisor N - 1",
                        .nan_where = where_one_row(extent),
                        .range = core::not_negative}}};
}

StatisticCost TrajectoryStatistic::cost(const CostCase& of) const {
  return {.during = Sharding::units,
          .held = 2 * number_bytes * units_of_a_rank(of.extent, of.ranks) * of.extent.points};
}

void TrajectoryStatistic::put(const StatisticRun&, const TraceMoments& moments, const PutNumbers& to) const {
  put_columns(to, "/trajectory/mean", moments.units.mean, moments.units.units);
  put_columns(to, "/trajectory/variance", moments.units.variance, moments.units.units);
}

/// The mean over stored rows is the stored mean.
void TrajectoryStatistic::verify(StoredNumbers& stored, const TraceExtent& extent) const {
  if (!stored.has({"/residual/last_token", "/trajectory/mean"})) return;
  const std::vector<double> mean = stored.reals("/trajectory/mean");
  std::vector<double> sum(mean.size()), size(mean.size());
  stored.for_slabs("/residual/last_token", [&](std::int64_t, const std::vector<double>& rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      sum[i % mean.size()] += rows[i];
      size[i % mean.size()] += std::abs(rows[i]);
    }
  });
  Identity identity("mean of the rows");
  const auto rows = static_cast<double>(extent.rows);
  for (std::size_t i = 0; i < mean.size(); ++i) {
    // A sum of N numbers is off by at most N roundings of the sum of their sizes.
    identity.hold(mean[i], sum[i] / rows, (rows + 16) * epsilon * size[i] / rows,
                  place_text({extent.points(), extent.units}, static_cast<std::int64_t>(i)));
  }
  identity.tell(stored);
}

}  // namespace orrery::statistics
