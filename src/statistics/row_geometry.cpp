#include "row_geometry.hpp"

#include "vectors.hpp"

#include <numbers>

namespace orrery::statistics {

RowDescription RowCurvature::describe(std::int64_t) const {
  return {.path = "/geometry/curvature",
          .along = Along::bends,
          .what = "the angle between the steps x[n,s+1] - x[n,s] and x[n,s+2] - x[n,s+1]",
          .undefined = "either step is 0",
          .units = "radian",
          .range = {0, std::numbers::pi}};
}

double RowCurvature::at_bend(const RowBend& bend) const {
  return angle_between(bend.first.data(), bend.first_length, bend.second.data(), bend.second_length,
                       std::ssize(bend.first));
}

RowDescription RowStraightness::describe(std::int64_t) const {
  return {.path = row_straightness,
          .along = Along::path,
          .what = "arc length of x[n,0] ... x[n,P-1] over the distance of its ends",
          .undefined = "the ends are equal",
          .range = {.least = 1}};
}

double RowStraightness::of_path(const RowPath& way) const {
  return ratio(way.arc, way.ends);
}

}  // namespace orrery::statistics
