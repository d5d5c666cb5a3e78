#include "trace_checker.hpp"

#include <optional>
#include <utility>

namespace orrery::verify {
namespace {

using archive::AttributeValue;

statistics::TraceExtent trace_extent_in(const archive::Reader& file, core::PointMap points) {
  statistics::TraceExtent extent;
  extent.samples = length_of(file, "/sample");
  extent.rows = file.integer("rows");
  extent.point_map = std::move(points);
  extent.units = length_of(file, "/unit");
  extent.components = length_of(file, "/pooled_mode");
  extent.tokens = length_of(file, "/token_index");
  extent.ranks = length_of(file, "/timing/rank_number");
  extent.rows_kept = file.text("moments") == "rows";
  extent.every_token = file.integer("every_token") != 0;
  extent.keep_rows = !not_computed(file).contains("/residual/last_token");
  extent.rows_float64 = file.attribute("/", "residual_dtype") == AttributeValue("float64");
  if (file.has("/rotation/null_mean")) {
    const std::optional<AttributeValue> draws = file.attribute("/rotation/null_mean", "draws");
    if (draws && std::holds_alternative<std::int64_t>(*draws)) extent.permutations = std::get<1>(*draws);
  }
  return extent;
}

}  // namespace

bool TraceChecker::take_sizes() {
  core::PointMap points;
  return take_points(points) && take_layout([&] {
           extent_ = trace_extent_in(file(), std::move(points));
           return archive::trace_layout(extent_);
         });
}

}  // namespace orrery::verify
