#include "orrery/schedule/tiles.hpp"

#include <algorithm>
#include <numeric>
#include <queue>
#include <utility>

namespace orrery::schedule {

std::vector<Tile> make_tiles(std::span<const std::int64_t> lengths, std::int64_t tile_tokens) {
  std::vector<std::int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), 0);
  const auto length_of = [&](std::int64_t sample) { return lengths[static_cast<std::size_t>(sample)]; };
  std::ranges::stable_sort(order, {}, length_of);
  std::vector<Tile> tiles;
  for (const std::int64_t sample : order) {
    const std::int64_t length = length_of(sample);
    if (tiles.empty() || (std::ssize(tiles.back().samples) + 1) * length > tile_tokens) tiles.emplace_back();
    tiles.back().samples.emplace_back(sample);
    tiles.back().length = length;  // ascending: the newest is the longest
  }
  return tiles;
}

std::vector<std::vector<std::int64_t>> deal(std::span<const double> costs, int ranks) {
  std::vector<std::int64_t> order(costs.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater{},
                           [&](std::int64_t i) { return costs[static_cast<std::size_t>(i)]; });
  using Load = std::pair<double, int>;  // least load first, then lowest rank
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (int rank = 0; rank < ranks; ++rank) loads.emplace(0.0, rank);
  std::vector<std::vector<std::int64_t>> shares(static_cast<std::size_t>(ranks));
  for (const std::int64_t item : order) {
    const auto [load, rank] = loads.top();
    loads.pop();
    shares[static_cast<std::size_t>(rank)].push_back(item);
    loads.emplace(load + costs[static_cast<std::size_t>(item)], rank);
  }
  for (auto& share : shares) std::ranges::sort(share);
  return shares;
}

}  // namespace orrery::schedule
