#pragma once

#include "orrery/archive/layout.hpp"

#include <cstdint>

namespace orrery::archive {

/// /points/layer and /points/kind, filled in: what the capture points of a model of `layers` layers are, in
/// files that have a scale `point`.
void add_points(Layout& layout, std::int64_t layers);

}  // namespace orrery::archive
