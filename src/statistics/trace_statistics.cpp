#include "orrery/statistics/trace_statistics.hpp"

namespace orrery::statistics {

TraceStatistics trace_statistics(const parallel::Communicator& ranks, const SampleShard& rows,
                                 const Extent& extent, const StatisticsOptions& options) {
  TraceStatistics result;
  result.rows = sample_statistics(ranks, rows, extent, options.threads);
  result.units = unit_statistics(ranks, by_unit(ranks, rows, extent), extent, options.threads);
  const PointShard shard = by_point(ranks, rows, extent);
  result.points = point_statistics(ranks, shard, extent, options.components, options.threads);
  result.headline = headline(ranks, result.rows, result.units, result.points, shard, extent, options.threads);
  return result;
}

}  // namespace orrery::statistics
