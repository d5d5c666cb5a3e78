#include "orrery/statistics/row_statistic.hpp"
#include "row_continuity.hpp"
#include "row_density.hpp"
#include "row_geometry.hpp"

namespace orrery::statistics {

// The list of statistics of rows: a new one is its class and a line here.
std::vector<const RowStatistic*> built_in_row_statistics() {
  static const RowCosine cosine;
  static const RowVelocity velocity;
  static const RowRelativeVelocity relative_velocity;
  static const RowNorm norm;
  static const RowAbs abs;
  static const RowActive active;
  static const RowHoyer hoyer;
  static const RowKurtosis kurtosis;
  static const RowCurvature curvature;
  static const RowStraightness straightness;
  return {&cosine, &velocity, &relative_velocity, &norm,      &abs,
          &active, &hoyer,    &kurtosis,          &curvature, &straightness};
}

}  // namespace orrery::statistics
