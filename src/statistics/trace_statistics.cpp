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

TraceStatistics trace_statistics(const parallel::Communicator& ranks, const SampleShard& rows,
                                 const Extent& extent, const StatisticsOptions& options) {
  const int threads = options.threads;
  const RotationOptions rotations{options.permutations, options.seed};
  TraceStatistics result;
  result.rows =
      sample_statistics(ranks, rows, extent, permuted_layers(options.seed, options.points), threads);
  result.layer_permuted.steps = {result.rows.permuted_cosine.mean, result.rows.permuted_velocity.mean};
  std::vector<TurnSummary> turns_left_out;
  {
    const UnitShard shard = by_unit(ranks, rows, extent);
    result.units = unit_statistics(ranks, shard, extent, threads);
    result.information = mutual_information(ranks, shard, extent, threads);
    result.turns =
        unit_turns(ranks, shard.units, result.units.mean, extent, options.points, rotations, threads);
    turns_left_out = left_out_turns(ranks, shard, extent, options.points, rotations, threads);
    result.sample_turns = sample_turns(ranks, shard, extent, threads);
    result.sample_permuted.units = sample_permuted_units(ranks, shard, extent, options.seed, threads);
    result.layer_permuted.units =
        layer_permuted_units(ranks, result.units, extent, options.points, options.seed, threads);
  }
  result.random_basis = random_basis_control(ranks, rows, extent, options);

  const PointShard shard = by_point(ranks, rows, extent);
  result.points = point_statistics(ranks, shard, extent, options.components, threads);
  result.principal_angle = principal_angles(ranks, result.points, threads);
  const auto rows_shown = [&](core::Point point) {
    return permuted_samples(options.seed, point.value(), extent.samples);
  };
  result.sample_permuted.steps = sample_permuted_steps(ranks, shard, rows_shown, threads);
  const at::Tensor mean = pooled_mean(ranks, result.points.mean);
  result.pooled = pooled_components(ranks, extent, std::ssize(shard.points), scatter_of_rows(shard, mean),
                                    mean, options.components, threads);
  result.scores = pooled_scores(ranks, shard, result.pooled, threads);
  result.plane_curvature = plane_curvature(ranks, result.scores.score, extent);
  result.flow = linear_flow(ranks, result.scores.score, threads);
  result.headline = headline(ranks, {result.rows, result.units, result.points, result.turns},
                             {turns_left_out, shard}, extent, options.points, threads);
  return result;
}

}  // namespace orrery::statistics
