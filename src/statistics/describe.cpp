#include "describe.hpp"

#include <iterator>
#include <utility>

namespace orrery::statistics {

std::string where_one_row(const TraceExtent& extent) {
  return extent.rows == 1 ? "there is one row" : "";
}

std::vector<core::Dataset> mean_and_spread(const TraceExtent& extent, const MeasuredOfRows& measured) {
  const std::string& undefined = measured.undefined;
  const std::string left_out = undefined.empty() ? "" : "; rows in which " + undefined + " are left out";
  return {{.path = measured.path + "_mean",
           .dimensions = {measured.dimension},
           .long_name = "mean over rows of " + measured.what + left_out,
           .units = measured.units,
           .nan_where = undefined.empty() ? "" : "no row is left",
           .range = measured.range},
          {.path = measured.path + "_std",
           .dimensions = {measured.dimension},
           .long_name = "standard deviation over rows of " + measured.what +
                        ", divisor one less than the rows" + left_out,
           .units = measured.units,
           .nan_where = undefined.empty() ? where_one_row(extent) : "fewer than two rows are left",
           .range = core::not_negative}};
}

// Each of the turning angles between S − 1 steps is at most half a turn.
core::Range turns_range(const TraceExtent& extent) {
  const double turns = static_cast<double>(extent.points() - 3) / 2;
  return {-turns, turns};
}

void append(std::vector<core::Dataset>& all, std::vector<core::Dataset> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace orrery::statistics
