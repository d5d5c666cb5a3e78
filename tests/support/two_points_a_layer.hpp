#pragma once

#include "orrery/core/point_map.hpp"

#include <cstdint>

namespace orrery::test {

/// Points before attention and before the MLP of each layer, and the final one: P = 2L + 1.
inline core::PointMap two_points_a_layer(std::int64_t layers) {
  return core::PointMap::of_layers(layers, {core::PointKind::pre_attention, core::PointKind::pre_mlp});
}

}  // namespace orrery::test
