#include "control_statistics.hpp"

#include "correlation_statistic.hpp"
#include "describe.hpp"
#include "memory_sizes.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/statistics/controls.hpp"
#include "put_numbers.hpp"
#include "rotation_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace orrery::statistics {

StatisticDatasets ControlStatistic::describe(const TraceExtent& extent) const {
  const std::string of = "; x': " + name_.how;
  return {.datasets = {{.path = path("correlation"),
                        .dimensions = {name_.point, name_.other},
                        .long_name = "mean over units of the Pearson correlation over rows of x'[:,s,d] with "
                                     "x'[:,t,d]" +
                                     of,
                        .nan_where = "no unit varies at both points",
                        .range = core::cosine_range},
                       {.path = path("cosine_mean"),
                        .dimensions = {"step"},
                        .long_name = "mean over rows of cos(x'[n,s], x'[n,s+1])" + of,
                        .nan_where = "no row has two that are not 0",
                        .range = core::cosine_range},
                       {.path = path("velocity_mean"),
                        .dimensions = {"step"},
                        .long_name = "mean over rows of the Euclidean norm of x'[n,s+1] - x'[n,s]" + of,
                        .range = core::not_negative},
                       {.path = path(name_.turns),
                        .dimensions = {"unit"},
                        .long_name = name_.turns_name + of,
                        .units = "turn",
                        .range = turns_range(extent)}}};
}

void ControlStatistic::put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const {
  const Control& control = measured(moments);
  if (!run.ranks.is_root() || control.units.correlation.empty()) return;
  put_lines(to, path("correlation"), control.units.correlation, run.extent.points);
  put_line(to, path("cosine_mean"), control.steps.cosine);
  put_line(to, path("velocity_mean"), control.steps.velocity);
  put_line(to, path(name_.turns), control.units.turns);
}

SamplePermutedStatistic::SamplePermutedStatistic()
    : ControlStatistic({.name = "sample_permuted",
                        .how = "rows in a random order at each point, independent of that at the others",
                        .turns = "sample_turns_mean",
                        .turns_name = "mean over rows of the turns of x'[n] at points 0 ... S-1"}) {}

StatisticDatasets SamplePermutedStatistic::describe(const TraceExtent& extent) const {
  StatisticDatasets described = ControlStatistic::describe(extent);
  described.not_streamed = {"/control/" + name_.name};
  return described;
}

StatisticCost SamplePermutedStatistic::cost(const CostCase& of) const {
  return {.during = Sharding::units, .flops = of.rows_kept ? correlation_flops(of) + row_turn_flops(of) : 0};
}

void SamplePermutedStatistic::take_units(const StatisticRun& run, const UnitShard& shard,
                                         const UnitStatistics&) {
  control_.units = sample_permuted_units(run.ranks, shard, run.extent, run.options.seed, run.options.threads);
}

void SamplePermutedStatistic::take_points(const StatisticRun& run, const PointShard& shard) {
  const auto rows_shown = [&](core::Point point) {
    return permuted_samples(run.options.seed, point.value(), run.extent.samples);
  };
  control_.steps = sample_permuted_steps(run.ranks, shard, rows_shown, run.options.threads);
}

LayerPermutedStatistic::LayerPermutedStatistic()
    : ControlStatistic(
          {.name = "layer_permuted",
           .how = "layers in one random order, the points of a layer together, the final point in its place",
           .point = "place",
           .other = "other_place"}) {}

StatisticDatasets LayerPermutedStatistic::describe(const TraceExtent& extent) const {
  StatisticDatasets described = ControlStatistic::describe(extent);
  described.datasets.push_back({.path = path("point"),
                                .type = core::ElementType::int32,
                                .dimensions = {"place"},
                                .long_name = "capture point that is shown at each place"});
  return described;
}

StatisticCost LayerPermutedStatistic::cost(const CostCase&) const {
  return {.during = Sharding::units};
}

void LayerPermutedStatistic::take_moments(const StatisticRun& run, const TraceMoments& moments) {
  control_.units = layer_permuted_units(run.ranks, moments.units, run.extent, run.options.points,
                                        run.options.seed, run.options.threads);
  control_.steps = {moments.rows.permuted_cosine.mean, moments.rows.permuted_velocity.mean};
}

void LayerPermutedStatistic::put(const StatisticRun& run, const TraceMoments& moments,
                                 const PutNumbers& to) const {
  ControlStatistic::put(run, moments, to);
  if (!run.ranks.is_root()) return;
  const std::vector<std::int64_t> shown = permuted_layers(run.options.seed, run.options.points);
  put_line(to, path("point"), std::vector<std::int32_t>(shown.begin(), shown.end()));
}

/// Layers in another order, the points of each together, the last in its place; correlations are the same
/// numbers in that order.
void LayerPermutedStatistic::verify(StoredNumbers& stored, const TraceExtent& extent) const {
  if (!stored.has({"/control/layer_permuted/point"})) return;
  std::vector<std::int64_t> shown;
  for (const double point : stored.reals("/control/layer_permuted/point"))
    shown.push_back(static_cast<std::int64_t>(point));
  const auto points = static_cast<std::int64_t>(shown.size());
  std::vector<std::int64_t> sorted = shown;
  std::ranges::sort(sorted);
  bool right = shown.back() == points - 1;
  for (std::int64_t s = 0; s < points; ++s) right = right && sorted[static_cast<std::size_t>(s)] == s;
  // A layer's first point begins a run of them, each other one follows the one before it.
  const core::PointMap& map = extent.point_map;
  for (std::size_t s = 0; right && s < shown.size(); ++s) {
    const core::Point first = map.first_of(map.layer_of(core::Point(shown[s])));
    const bool begins = first.value() == shown[s];
    right =
        begins ? s == 0 || shown[s - 1] == points - 1 ||
                     map.first_of(core::Layer(map.layer_of(core::Point(shown[s - 1])).value() + 1)).value() ==
                         shown[s - 1] + 1
               : s > 0 && shown[s - 1] + 1 == shown[s];
  }
  stored.tell(right, "layers permuted", right ? core::concat(points, " points") : "not an order of layers");
  if (!right || !stored.has({"/control/layer_permuted/correlation", "/continuity/correlation"})) return;
  const std::vector<double> found = stored.reals("/control/layer_permuted/correlation");
  const std::vector<double> r = stored.reals("/continuity/correlation");
  Identity identity("correlation of permuted layers");
  for (std::int64_t s = 0; s < points; ++s) {
    for (std::int64_t t = 0; t < points; ++t) {
      const std::int64_t from =
          shown[static_cast<std::size_t>(s)] * points + shown[static_cast<std::size_t>(t)];
      identity.hold(found[static_cast<std::size_t>(s * points + t)], r[static_cast<std::size_t>(from)],
                    64 * epsilon, "(", s, ", ", t, ")");
    }
  }
  identity.tell(stored);
}

RandomBasisStatistic::RandomBasisStatistic()
    : ControlStatistic(
          {.name = "random_basis", .how = "units replaced by those of a random orthogonal basis of R^D"}) {}

StatisticDatasets RandomBasisStatistic::describe(const TraceExtent& extent) const {
  StatisticDatasets described = ControlStatistic::describe(extent);
  described.not_of_every_token = {
      {"/control/" + name_.name, "every token is a row: not computed for so many"}};
  return described;
}

/// The rows once more, and the basis, or the QR decomposition that it comes from; then units' shard.
StatisticCost RandomBasisStatistic::cost(const CostCase& of) const {
  if (!of.rows_kept) return {};
  const Extent& extent = of.extent;
  const std::int64_t basis = number_bytes * extent.units * extent.units;
  const std::int64_t rotated =
      share_of_a_rank(extent.samples, of.ranks) * extent.points * extent.units * of.row_bytes;
  const std::int64_t unit_results = units_of_a_rank(extent, of.ranks) * extent.points *
                                    (2 * number_bytes + 2 * std::int64_t{sizeof(float)});
  const double samples = static_cast<double>(extent.samples), points = static_cast<double>(extent.points),
               units = static_cast<double>(extent.units);
  return {.during = Sharding::rows,
          .flops = correlation_flops(of) + 2 * samples * points * units * units,
          .scratch = std::max(4 * basis, basis + rotated) +
                     std::max(basis, bytes_with_units(of, correlation_scratch(of) + unit_results))};
}

/// A rotation keeps lengths and angles; the rows in the new basis may be float32.
void RandomBasisStatistic::verify(StoredNumbers& stored, const TraceExtent&) const {
  Identity identity("lengths in a random basis");
  for (const std::string name : {"velocity_mean", "cosine_mean"}) {
    const std::vector<double> found = stored.reals("/control/random_basis/" + name);
    const std::vector<double> expected = stored.reals("/continuity/" + name);
    const std::vector<double> norm = stored.reals("/density/norm_mean");
    if (norm.empty()) continue;
    for (std::size_t s = 0; s < std::min(found.size(), expected.size()); ++s) {
      // A row of float32 is off by half its spacing for its norm, and so the step between two.
      const double size = name == "cosine_mean" ? 1.0 : norm[s] + norm[s + 1];
      identity.hold(found[s], expected[s], 4 * epsilon_of_float * size, name, ", step ", s);
    }
  }
  identity.tell(stored);
}

}  // namespace orrery::statistics
