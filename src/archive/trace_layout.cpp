#include "orrery/archive/trace_layout.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/index.hpp"

#include <algorithm>
#include <string>

namespace orrery::archive {
namespace {

using enum ElementType;
using Names = std::vector<std::string>;

void add_scales(Layout& layout, const TraceExtent& extent) {
  const std::int64_t points = extent.points();
  layout.scales = {
      {.name = "sample", .length = extent.samples, .long_name = "row: one measured token of one sample"},
      {.name = "sample_bound",
       .length = extent.samples + 1,
       .long_name = "bound between samples, first and last too"},
      {.name = "token_index",
       .length = extent.tokens,
       .long_name = "token of the samples, one after the other"},
      {.name = "point", .length = points, .long_name = "capture point s of the residual stream"},
      {.name = "other_point", .length = points, .long_name = "capture point t of the residual stream"},
      {.name = "step", .length = points - 1, .long_name = "step from capture point s to s + 1"},
      {.name = "bend", .length = points - 2, .long_name = "two successive steps, from s to s + 1 to s + 2"},
      {.name = "unit", .length = extent.units, .long_name = "unit d of the residual stream"},
      {.name = "mode", .length = extent.kept_components(), .long_name = "principal component that is kept"},
      {.name = "eigen",
       .length = extent.eigenvalues(),
       .long_name = "eigenvalue of the covariance, greatest first"},
      {.name = "share",
       .length = 5,
       .long_name = "share of the variance",
       .units = "percent",
       .values = std::vector<std::int64_t>{50, 80, 90, 95, 99},
       .type = int32},
      {.name = "rank_number", .length = extent.ranks, .long_name = "MPI rank", .group = "/timing"},
  };
}

void add_samples(Layout& layout) {
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

void add_points(Layout& layout, const TraceExtent& extent) {
  std::vector<std::int64_t> layers;
  std::vector<std::string> kinds;
  for (core::Point point(0); point.value() < extent.points(); ++point) {
    layers.push_back(core::layer_of(point).value());
    kinds.emplace_back(core::name_of(core::kind_of(point, extent.layers)));
  }
  layout.datasets.push_back(
      {.path = "/points/layer",
       .type = int32,
       .dimensions = {"point"},
       .long_name = "decoder layer of the point; the final point has the number of layers",
       .values = std::move(layers)});
  layout.datasets.push_back(
      {.path = "/points/kind",
       .type = text,
       .dimensions = {"point"},
       .long_name = "what the point stands before: pre_attention, pre_mlp; final: before the last norm",
       .values = std::move(kinds)});
}

void add_rows(Layout& layout, const TraceExtent& extent) {
  if (!extent.keep_rows) {
    layout.absent.push_back({"/residual/last_token", "rows are not stored"});
    return;
  }
  layout.datasets.push_back({.path = "/residual/last_token",
                             .type = extent.rows_float64 ? float64 : float32,
                             .dimensions = {"sample", "point", "unit"},
                             .long_name = "residual stream x[n,s,d] of the measured token, before any norm"});
}

void add_real(Layout& layout, const std::string& path, const Names& dimensions,
              const std::string& long_name) {
  layout.datasets.push_back({.path = path, .dimensions = dimensions, .long_name = long_name});
}

/// NAME_mean and NAME_std, over rows.
void add_moments(Layout& layout, const std::string& path, const char* dimension, const std::string& what) {
  add_real(layout, path + "_mean", {dimension}, "mean over rows of " + what);
  add_real(layout, path + "_std", {dimension}, "standard deviation over rows, divisor N - 1, of " + what);
}

void add_continuity(Layout& layout) {
  add_real(layout, "/trajectory/mean", {"point", "unit"},
           "mean over rows of x[n,s,d]: the mean trajectory a[s,d]");
  add_real(layout, "/trajectory/variance", {"point", "unit"},
           "variance over rows of x[n,s,d], divisor N - 1");
  add_real(layout, "/continuity/correlation", {"point", "other_point"},
           "mean over units of the Pearson correlation over rows of x[:,s,d] with x[:,t,d]; "
           "units constant at s or t are left out");
  layout.datasets.push_back({.path = "/continuity/correlation_units",
                             .type = int64,
                             .dimensions = {"point", "other_point"},
                             .long_name = "units that the mean correlation was taken over"});
  layout.datasets.push_back({.path = "/continuity/unit_correlation",
                             .type = float32,
                             .dimensions = {"step", "unit"},
                             .long_name = "Pearson correlation over rows of x[:,s,d] with x[:,s+1,d]; "
                                          "NaN for a unit constant at either point"});
  add_real(layout, "/continuity/residual_null", {"step"},
           "mean over units of sd(x[:,s,d]) / sqrt(var(x[:,s,d]) + var(x[:,s+1,d] - x[:,s,d])): "
           "the correlation that adding an independent step leaves");
  add_moments(layout, "/continuity/cosine", "step", "cos(x[n,s], x[n,s+1])");
  add_moments(layout, "/continuity/velocity", "step", "the Euclidean norm of x[n,s+1] - x[n,s]");
  add_moments(layout, "/continuity/relative_velocity", "step",
              "the Euclidean norm of x[n,s+1] - x[n,s] over that of x[n,s]");
  add_real(layout, "/continuity/acceleration", {"bend"}, "velocity_mean[s+1] - velocity_mean[s]");
}

void add_density(Layout& layout, const TraceExtent& extent) {
  add_moments(layout, "/density/norm", "point", "the Euclidean norm of x[n,s]");
  add_moments(layout, "/density/abs", "point", "the mean over units of |x[n,s,d]|");
  add_moments(layout, "/density/active", "point", "the fraction of units with |x[n,s,d]| > threshold");
  for (const char* name : {"/density/active_mean", "/density/active_std"}) {
    std::ranges::find(layout.datasets, name, &Dataset::path)->attributes = {
        {"threshold", extent.active_threshold}};
  }
  add_moments(layout, "/density/hoyer", "point",
              "the Hoyer sparsity (sqrt(D) - |x|_1 / |x|_2) / (sqrt(D) - 1) of x[n,s]");
  add_moments(layout, "/density/kurtosis", "point", "the excess kurtosis m4 / m2^2 - 3 over units of x[n,s]");
}

void add_pca(Layout& layout) {
  add_real(layout, "/pca/total_variance", {"point"}, "trace of the covariance C of x[:,s], divisor N - 1");
  add_real(layout, "/pca/participation_ratio", {"point"}, "tr(C)^2 / tr(C^2)");
  add_real(layout, "/pca/participation_ratio_corrected", {"point"},
           "tr(C)^2 / T with T = M^2 / ((M-1)(M+2)) * (tr(C^2) - tr(C)^2 / M), M = N - 1: "
           "corrected for the number of rows");
  add_real(layout, "/pca/participation_ratio_standardised", {"point"},
           "D'^2 / sum of r_ij^2 over the D' units that vary, r their correlation matrix");
  add_real(layout, "/pca/effective_rank", {"point"}, "exp of the entropy of the normalised spectrum");
  add_real(layout, "/pca/top_unit_share", {"point"}, "largest variance of one unit over the total variance");
  layout.datasets.push_back({.path = "/pca/rank",
                             .type = int32,
                             .dimensions = {"point"},
                             .long_name = "eigenvalues above max(N, D) * 2^-52 times the largest"});
  add_real(layout, "/pca/eigenvalue", {"point", "eigen"},
           "eigenvalues of the covariance, descending; 0 beyond the rank");
  layout.datasets.push_back(
      {.path = "/pca/component",
       .type = float32,
       .dimensions = {"point", "mode", "unit"},
       .long_name = "leading eigenvectors, of length 1, the entry of largest magnitude positive; "
                    "NaN beyond the rank"});
  layout.datasets.push_back(
      {.path = "/pca/components_for",
       .type = int32,
       .dimensions = {"point", "share"},
       .long_name = "least number of components that hold 50, 80, 90, 95, 99 % of the variance"});
}

void check_extent(const TraceExtent& extent) {
  if (extent.samples >= 1 && extent.layers >= 1 && extent.units >= 1 && extent.tokens >= 1 &&
      extent.ranks >= 1 && extent.components >= 0) {
    return;
  }
  throw core::internal_error(
      "a trace of nothing",
      core::concat(extent.samples, " samples, ", extent.layers, " layers, ", extent.units, " units, ",
                   extent.tokens, " tokens, ", extent.ranks, " ranks"),
      "please report it with the command line");
}

}  // namespace

std::int64_t TraceExtent::eigenvalues() const {
  return std::min(samples - 1, units);
}
std::int64_t TraceExtent::kept_components() const {
  return std::min(components, eigenvalues());
}

Layout trace_layout(const TraceExtent& extent) {
  check_extent(extent);
  Layout layout{.format = trace_format, .format_version = trace_format_version};
  layout.groups = {"/timing", "/headline"};
  add_scales(layout, extent);
  add_samples(layout);
  add_points(layout, extent);
  add_rows(layout, extent);
  add_continuity(layout);
  add_density(layout, extent);
  add_pca(layout);
  layout.datasets.push_back({.path = "/timing/peak_bytes",
                             .type = int64,
                             .dimensions = {"rank_number"},
                             .long_name = "most memory that each rank's process held at once",
                             .units = "byte"});
  leave_out_empty(layout);
  return layout;
}

}  // namespace orrery::archive
