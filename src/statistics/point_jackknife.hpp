#pragma once

#include "orrery/statistics/jackknife.hpp"
#include "orrery/statistics/shards.hpp"

#include <cstdint>
#include <vector>

namespace orrery::statistics {

/// The dimension of one point's rows without one block of samples.
struct LeftOutDimension {
  std::int64_t point = 0;
  std::int64_t block = 0;
  double components = 0;  ///< for 90 % of the variance
  double participation_ratio = 0;
  double participation_ratio_corrected = 0;
};

/// Those of `points` that are in `shard`, by point and block. Not collective. Each takes eigenvalues only,
/// and the scatter matrix of all rows serves all blocks of a point.
std::vector<LeftOutDimension> leave_out_dimensions(const PointShard& shard,
                                                   const std::vector<std::int64_t>& points,
                                                   const Extent& extent, int threads);

}  // namespace orrery::statistics
