#include "orrery/statistics/trace_statistics.hpp"

#include "orrery/parallel/agreement.hpp"
#include "row_steps.hpp"

namespace orrery::statistics {
namespace {

/// The streams in a random orthogonal basis. Their steps are measured too, though a rotation changes neither
/// angles nor lengths: so that the control is what it says.
Control random_basis_control(const parallel::Communicator& ranks, const SampleShard& rows,
                             const Extent& extent, const StatisticsOptions& options) {
  SampleShard rotated;
  parallel::agree(ranks, "rows in a random basis",
                  [&] { rotated = rotate(rows, random_basis(extent.units, options.seed), options.threads); });
  Control control;
  control.steps = row_steps(ranks, rotated, extent, options.threads);
  const UnitShard shard = by_unit(ranks, rotated, extent);
  rotated = {};
  control.units = random_basis_units(ranks, shard, extent, options.threads);
  return control;
}

}  // namespace

void finish_statistics(const StatisticRun& run, TraceStatistics& statistics) {
  for (const auto& one : statistics.all) one->take_moments(run, statistics.moments);
  parallel::agree(run.ranks, "headline", [&] {
    if (!run.ranks.is_root()) return;
    for (const auto& one : statistics.all) one->tell(run, statistics.moments, statistics.headline);
  });
}

TraceStatistics trace_statistics(const parallel::Communicator& ranks, const SampleShard& rows,
                                 const Extent& extent, const StatisticsOptions& options) {
  const int threads = options.threads;
  const StatisticRun run{ranks, extent, options};
  TraceStatistics result;
  result.all = trace_statistics_of_run();
  TraceMoments& moments = result.moments;
  moments.rows =
      sample_statistics(ranks, rows, extent, permuted_layers(options.seed, options.points), threads);
  for (const auto& one : result.all) one->take_rows(run, rows);
  {
    const UnitShard shard = by_unit(ranks, rows, extent);
    moments.units = unit_statistics(ranks, shard, extent, threads);
    moments.sample_turns = sample_turns(ranks, shard, extent, threads);
    for (const auto& one : result.all) one->take_units(run, shard, moments.units);
  }
  moments.random_basis = random_basis_control(ranks, rows, extent, options);

  const PointShard shard = by_point(ranks, rows, extent);
  moments.points = point_statistics(ranks, shard, extent, options.components, threads);
  for (const auto& one : result.all) one->take_points(run, shard);
  const at::Tensor mean = pooled_mean(ranks, moments.points.mean);
  moments.pooled = pooled_components(ranks, extent, std::ssize(shard.points), scatter_of_rows(shard, mean),
                                     mean, options.components, threads);
  moments.scores = pooled_scores(ranks, shard, moments.pooled, threads);
  moments.plane_curvature = plane_curvature(ranks, moments.scores.score, extent);
  moments.flow = linear_flow(ranks, moments.scores.score, threads);
  finish_statistics(run, result);
  return result;
}

}  // namespace orrery::statistics
