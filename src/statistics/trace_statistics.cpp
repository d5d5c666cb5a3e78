#include "orrery/statistics/trace_statistics.hpp"

#include "orrery/core/random.hpp"

#include <numeric>
#include <span>

namespace orrery::statistics {
namespace {

/// The point shown at each place of the control `layer_permuted`: layers shuffled, both points of a layer
/// together, the final point where it is.
std::vector<std::int64_t> layer_permuted_points(std::uint64_t seed, std::int64_t points) {
  std::vector<std::int64_t> layers(points / 2);
  std::iota(layers.begin(), layers.end(), 0);
  core::Random(seed, core::Purpose::layer_permutation).shuffle(std::span(layers));
  std::vector<std::int64_t> shown;
  for (const std::int64_t layer : layers) {
    shown.push_back(core::pre_attention(core::Layer(layer)).value());
    shown.push_back(core::pre_mlp(core::Layer(layer)).value());
  }
  shown.push_back(points - 1);
  return shown;
}

}  // namespace

TraceStatistics trace_statistics(const parallel::Communicator& ranks, const SampleShard& rows,
                                 const Extent& extent, const StatisticsOptions& options) {
  TraceStatistics result;
  result.rows = sample_statistics(ranks, rows, extent, layer_permuted_points(options.seed, extent.points),
                                  options.threads);
  result.units = unit_statistics(ranks, by_unit(ranks, rows, extent), extent, options.threads);
  const PointShard shard = by_point(ranks, rows, extent);
  result.points = point_statistics(ranks, shard, extent, options.components, options.threads);
  result.headline = headline(ranks, result.rows, result.units, result.points, shard, extent, options.threads);
  return result;
}

}  // namespace orrery::statistics
