#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/core/point_map.hpp"

namespace orrery::archive {

/// /points/layer and /points/kind, filled in: what the capture points of a model are, in files that have a
/// scale `point`.
void add_points(Layout& layout, const core::PointMap& points);

/// The capture points that a file tells of. Throws bad_input where it has no /points, or they are not those
/// of a model.
core::PointMap read_points(const Reader& file);

}  // namespace orrery::archive
