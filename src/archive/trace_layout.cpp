#include "orrery/archive/trace_layout.hpp"

#include "orrery/archive/point_datasets.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/statistics/spectrum.hpp"
#include "orrery/statistics/trace_statistic.hpp"

#include <algorithm>
#include <string>

namespace orrery::archive {
namespace {

using enum ElementType;

void add_scales(Layout& layout, const statistics::TraceExtent& extent) {
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
  add("unit", extent.units, "unit d of the residual stream");
  add("mode", extent.kept_components(), "principal component of a point that is kept");
  add("eigen", extent.eigenvalues(), "eigenvalue of a point's covariance, greatest first");
  add("pooled_mode", extent.pooled_components(), "principal component of all points together that is kept");
  add("pooled_eigen", extent.pooled_eigenvalues(),
      "eigenvalue of the covariance of all points together, greatest first");
  add("flow_mode", extent.flow_components(), "eigenvalue of the linear flow");
  add_words("complex_part", "part of a complex number", {"real", "imaginary"});
  add_words("extreme", "end of a range over rows", {"least", "greatest"});
  constexpr auto percents = statistics::variance_percents();
  layout.scales.push_back({.name = "share",
                           .length = std::ssize(percents),
                           .long_name = "share of the variance",
                           .units = "percent",
                           .values = std::vector<std::int64_t>(percents.begin(), percents.end()),
                           .type = int32});
  layout.scales.push_back(
      {.name = "rank_number", .length = extent.ranks, .long_name = "MPI rank", .group = "/timing"});
}

/// /samples.
void add_texts(Layout& layout) {
  const auto add = [&](const char* name, const char* long_name) {
    layout.datasets.push_back({.path = std::string("/samples/") + name,
                               .type = int64,
                               .dimensions = {"sample"},
                               .long_name = long_name});
  };
  add("row", "line of the corpus that the sample was taken from, counted from 0");
  add("characters", "Unicode code points of the sample, stripped");
  add("length", "tokens of the sample, BOS counted");
  add("position", "place of the measured token in the sample; BOS has 0");
  layout.datasets.push_back(
      {.path = "/samples/token_offset",
       .type = int64,
       .dimensions = {"sample_bound"},
       .long_name = "where a sample's tokens begin: ids of sample n = token[offset[n]:offset[n+1]]"});
  layout.datasets.push_back(
      {.path = "/samples/token",
       .type = int32,
       .dimensions = {"token_index"},
       .long_name = "token ids of all samples, BOS included, one sample after the other"});
}

/// /samples, /points, /residual.
void add_samples(Layout& layout, const statistics::TraceExtent& extent) {
  add_texts(layout);
  add_points(layout, extent.point_map);
  layout.datasets.push_back({.path = "/residual/last_token",
                             .type = extent.rows_float64 ? float64 : float32,
                             .dimensions = {"sample", "point", "unit"},
                             .long_name = "residual stream x[n,s,d] of the measured token, before any norm"});
}

/// What the statistics have to say of this run, and what of it they don't compute.
void add_statistics(Layout& layout, std::vector<statistics::StatisticDatasets>& all,
                    const statistics::TraceExtent& extent) {
  for (const auto& statistic : statistics::trace_statistics_of_run()) {
    all.push_back(statistic->describe(extent));
    for (const statistics::StatisticScale& scale : all.back().scales)
      layout.scales.push_back({.name = scale.name, .length = scale.length, .long_name = scale.long_name});
    std::vector<Dataset>& datasets = all.back().datasets;
    layout.datasets.insert(layout.datasets.end(), datasets.begin(), datasets.end());
  }
}

void leave_out_not_computed(Layout& layout, const std::vector<statistics::StatisticDatasets>& statistics,
                            const statistics::TraceExtent& extent) {
  if (!extent.keep_rows && extent.rows_kept) leave_out(layout, "/residual/last_token", "rows are not stored");
  if (!extent.rows_kept) {
    const std::string reason = "rows are streamed, and this needs all of them at once";
    leave_out(layout, "/residual/last_token", reason);
    for (const auto& described : statistics)
      for (const std::string& path : described.not_streamed) leave_out(layout, path, reason);
    layout.absent.push_back({"/headline/*_se", "rows are streamed, and no block of samples is left out"});
  }
  if (extent.every_token) {
    leave_out(layout, "/samples/position", "every token but BOS is measured");
    for (const auto& described : statistics)
      for (const auto& [path, reason] : described.not_of_every_token) leave_out(layout, path, reason);
  }
}

void check_extent(const statistics::TraceExtent& extent) {
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

Layout trace_layout(const statistics::TraceExtent& extent) {
  check_extent(extent);
  Layout layout{.format = trace_format, .format_version = trace_format_version};
  layout.groups = {"/timing", "/headline", "/checksum"};
  layout.attributes = {{"/", "rows", extent.rows},
                       {"/", "moments", extent.rows_kept ? "rows" : "streaming"},
                       {"/", "every_token", std::int64_t{extent.every_token}}};
  add_scales(layout, extent);
  add_samples(layout, extent);
  std::vector<statistics::StatisticDatasets> described;
  add_statistics(layout, described, extent);
  layout.datasets.push_back({.path = "/timing/peak_bytes",
                             .type = int64,
                             .dimensions = {"rank_number"},
                             .long_name = "most memory that each rank's process held at once",
                             .units = "byte"});
  leave_out_not_computed(layout, described, extent);
  leave_out_empty(layout);
  return layout;
}

}  // namespace orrery::archive
