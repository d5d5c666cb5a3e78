#include "orrery/archive/trace_layout.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "trace_datasets.hpp"

#include <algorithm>
#include <string>

namespace orrery::archive {
namespace {

using enum ElementType;

void add_scales(Layout& layout, const TraceExtent& extent) {
  const std::int64_t points = extent.points();
  const auto add = [&](const char* name, std::int64_t length, const char* long_name) {
    layout.scales.push_back({.name = name, .length = length, .long_name = long_name});
  };
  const auto add_words = [&](const char* name, const char* long_name, std::vector<std::string> words) {
    layout.scales.push_back({.name = name,
                             .length = std::ssize(words),
                             .long_name = long_name,
                             .values = std::move(words),
                             .type = text});
  };
  add("sample", extent.samples, "sample of the corpus, in its order");
  add("sample_bound", extent.samples + 1, "bound between samples, first and last too");
  add("token_index", extent.tokens, "token of the samples, one after the other");
  layout.scales.push_back(counted_scale("point", points, "capture point s of the residual stream"));
  add("other_point", points, "capture point t of the residual stream");
  add("place", points, "place in an order of capture points other than the model's");
  add("other_place", points, "another place in that order");
  layout.scales.push_back(counted_scale("step", points - 1, "step from capture point s to s + 1"));
  add("bend", points - 2, "two successive steps, from s to s + 1 to s + 2");
  add("run", points - 10, "run of 8 successive turning angles, from angle i to i + 7");
  add("unit", extent.units, "unit d of the residual stream");
  add("mode", extent.kept_components(), "principal component of a point that is kept");
  add("eigen", extent.eigenvalues(), "eigenvalue of a point's covariance, greatest first");
  add("pooled_mode", extent.pooled_components(), "principal component of all points together that is kept");
  add("pooled_eigen", extent.pooled_eigenvalues(),
      "eigenvalue of the covariance of all points together, greatest first");
  add("flow_mode", extent.flow_components(), "eigenvalue of the linear flow");
  add_words("complex_part", "part of a complex number", {"real", "imaginary"});
  add_words("extreme", "end of a range over rows", {"least", "greatest"});
  layout.scales.push_back({.name = "share",
                           .length = 5,
                           .long_name = "share of the variance",
                           .units = "percent",
                           .values = std::vector<std::int64_t>{50, 80, 90, 95, 99},
                           .type = int32});
  layout.scales.push_back(
      {.name = "rank_number", .length = extent.ranks, .long_name = "MPI rank", .group = "/timing"});
}

void leave_out_not_computed(Layout& layout, const TraceExtent& extent) {
  const auto leave = [&](const std::string& reason, std::initializer_list<const char*> paths) {
    for (const char* path : paths) leave_out(layout, path, reason);
  };
  if (!extent.keep_rows && extent.rows_kept) leave("rows are not stored", {"/residual/last_token"});
  if (!extent.rows_kept) {
    leave("rows are streamed, and this needs all of them at once",
          {"/residual/last_token", "/continuity/mutual_information", "/continuity/mutual_information_mean",
           "/control/sample_permuted"});
    layout.absent.push_back({"/headline/*_se", "rows are streamed, and no block of samples is left out"});
  }
  if (extent.every_token) {
    leave("every token but BOS is measured", {"/samples/position"});
    leave("every token is a row: it would have one entry a row", {"/pooled/score"});
    leave("every token is a row: its mean and spread are attributes of /geometry",
          {"/geometry/straightness"});
    leave("every token is a row: not computed for so many",
          {"/rotation/sample_turns_mean", "/rotation/sample_turns_std", "/control/random_basis"});
  }
}

void check_extent(const TraceExtent& extent) {
  const bool sizes = extent.samples >= 1 && extent.rows >= 1 && extent.point_map.layers() >= 1 &&
                     extent.units >= 1 && extent.tokens >= 1 && extent.ranks >= 1 && extent.components >= 0 &&
                     extent.permutations >= 1;
  const bool kinds = extent.every_token ? !extent.rows_kept : extent.rows == extent.samples;
  if (sizes && kinds) return;
  throw core::internal_error(
      "no trace has such sizes",
      core::concat(extent.samples, " samples, ", extent.rows, " rows, ", extent.point_map.layers(),
                   " layers, ", extent.units, " units, ", extent.tokens, " tokens, ", extent.ranks, " ranks"),
      "please report it with the command line");
}

}  // namespace

std::int64_t TraceExtent::eigenvalues() const {
  return std::min(rows - 1, units);
}
std::int64_t TraceExtent::kept_components() const {
  return std::min(components, eigenvalues());
}
std::int64_t TraceExtent::pooled_eigenvalues() const {
  // N·P may pass the largest number; N does not.
  return rows > units ? units : std::min(rows * points() - 1, units);
}
std::int64_t TraceExtent::pooled_components() const {
  return std::min(components, pooled_eigenvalues());
}
std::int64_t TraceExtent::flow_components() const {
  return std::min<std::int64_t>(pooled_components(), 16);
}
std::int64_t TraceExtent::information_bins() const {
  std::int64_t bins = 32;
  while (bins > 2 && 5 * bins * bins > rows) --bins;
  return bins;
}

Layout trace_layout(const TraceExtent& extent) {
  check_extent(extent);
  Layout layout{.format = trace_format, .format_version = trace_format_version};
  layout.groups = {"/timing", "/headline", "/checksum"};
  layout.attributes = {{"/", "rows", extent.rows},
                       {"/", "moments", extent.rows_kept ? "rows" : "streaming"},
                       {"/", "every_token", std::int64_t{extent.every_token}}};
  add_scales(layout, extent);
  add_samples(layout, extent);
  add_units(layout, extent);
  add_rotations(layout, extent);
  add_space(layout, extent);
  add_controls(layout, extent);
  layout.datasets.push_back({.path = "/timing/peak_bytes",
                             .type = int64,
                             .dimensions = {"rank_number"},
                             .long_name = "most memory that each rank's process held at once",
                             .units = "byte"});
  leave_out_not_computed(layout, extent);
  leave_out_empty(layout);
  return layout;
}

}  // namespace orrery::archive
