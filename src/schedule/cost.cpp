#include "orrery/schedule/cost.hpp"

namespace orrery::schedule {

std::vector<double> tile_costs(const model::Description& model, model::Measured measured,
                               std::span<const Tile> tiles) {
  std::vector<double> costs;
  for (const Tile& tile : tiles) costs.push_back(model.forward_flop(measured, tile.shape()).total());
  return costs;
}

}  // namespace orrery::schedule
