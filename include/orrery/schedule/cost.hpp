#pragma once

#include "orrery/model/description.hpp"
#include "orrery/schedule/tiles.hpp"

#include <span>
#include <vector>

namespace orrery::schedule {

/// The cost by which tiles are dealt to ranks: all the FLOP of each.
std::vector<double> tile_costs(const model::Description& model, model::Measured measured,
                               std::span<const Tile> tiles);

}  // namespace orrery::schedule
