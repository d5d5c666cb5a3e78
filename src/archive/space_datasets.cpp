#include "orrery/archive/trace_layout.hpp"
#include "trace_datasets.hpp"

#include <numbers>

namespace orrery::archive {
namespace {

using enum ElementType;

constexpr const char* sign_rule = "the entry of largest magnitude is positive, the first of equals";

void add_spectra(Layout& layout, const TraceExtent& extent) {
  const auto add = [&](const char* name, const char* long_name, const std::string& nan_where,
                       const core::Range& range) {
    layout.datasets.push_back({.path = std::string("/pca/") + name,
                               .dimensions = {"point"},
                               .long_name = long_name,
                               .nan_where = nan_where,
                               .range = range});
  };
  const auto directions = static_cast<double>(extent.eigenvalues());
  const std::string level = "all rows are equal, or there is one";
  add("total_variance", "trace of the covariance C of x[:,s], divisor N - 1", where_one_row(extent),
      core::not_negative);
  add("participation_ratio", "tr(C)^2 / tr(C^2)", level, core::Range{1, directions, 1e-9});
  add("participation_ratio_corrected",
      "tr(C)^2 / T with T = M^2 / ((M-1)(M+2)) * (tr(C^2) - tr(C)^2 / M), M = N - 1: "
      "corrected for the number of rows",
      level + "; fewer than three rows; a spectrum as flat as M rows allow", core::not_negative);
  add("participation_ratio_standardised",
      "D'^2 / sum of r_ij^2 over the D' units that vary, r their correlation matrix", level,
      core::Range{1, directions, 1e-6});
  add("effective_rank", "exp of the entropy of the normalised spectrum", level,
      core::Range{1, directions, 1e-9});
  add("top_unit_share", "largest variance of one unit over the total variance", level, core::share_range);
  layout.datasets.push_back({.path = "/pca/rank",
                             .type = int32,
                             .dimensions = {"point"},
                             .long_name = "eigenvalues above max(N, D) * 2^-52 times the largest, and above "
                                          "what rounding of streamed rows may have made",
                             .range = core::Range{0, directions}});
}

void add_pca(Layout& layout, const TraceExtent& extent) {
  add_spectra(layout, extent);
  layout.datasets.push_back(
      {.path = "/pca/eigenvalue",
       .dimensions = {"point", "eigen"},
       .long_name = "eigenvalues of the covariance of x[:,s], descending; 0 beyond the rank",
       .range = core::not_negative});
  layout.datasets.push_back({.path = "/pca/component",
                             .type = float32,
                             .dimensions = {"point", "mode", "unit"},
                             .long_name = "leading eigenvectors of the covariance of x[:,s], of length 1",
                             .attributes = {{"sign_rule", sign_rule}},
                             .nan_where = "beyond the rank"});
  layout.datasets.push_back(
      {.path = "/pca/components_for",
       .type = int32,
       .dimensions = {"point", "share"},
       .long_name = "least number of components that hold 50, 80, 90, 95, 99 % of the variance",
       .attributes = {{"slack", 1e-12},
                      {"slack_rule",
                       "a sum that misses its share by less than `slack` of the variance is "
                       "enough"}},
       .range = core::Range{0, static_cast<double>(extent.eigenvalues())}});
}

void add_pooled(Layout& layout) {
  const std::string rows = "all rows at all points 0 ... 2L";
  layout.datasets.push_back(
      {.path = "/pooled/mean", .dimensions = {"unit"}, .long_name = "mean of x[n,s] over " + rows});
  layout.datasets.push_back({.path = "/pooled/eigenvalue",
                             .dimensions = {"pooled_eigen"},
                             .long_name = "eigenvalues of the covariance of x[n,s] over " + rows +
                                          ", divisor N P - 1, descending; 0 beyond the rank",
                             .range = core::not_negative});
  layout.datasets.push_back({.path = "/pooled/component",
                             .type = float32,
                             .dimensions = {"pooled_mode", "unit"},
                             .long_name = "leading eigenvectors of that covariance, of length 1",
                             .attributes = {{"sign_rule", sign_rule}},
                             .nan_where = "beyond the rank"});
  layout.datasets.push_back({.path = "/pooled/score",
                             .type = float32,
                             .dimensions = {"sample", "point", "pooled_mode"},
                             .long_name = "z[n,s,j] = component[j] . (x[n,s] - mean)",
                             .nan_where = "beyond the rank"});
  layout.datasets.push_back({.path = "/pooled/mean_score",
                             .dimensions = {"point", "pooled_mode"},
                             .long_name = "mean over rows of z[n,s,j]: the mean trajectory in the components",
                             .nan_where = "beyond the rank"});
  layout.datasets.push_back({.path = "/pooled/score_range",
                             .dimensions = {"extreme", "point", "pooled_mode"},
                             .long_name = "least and greatest z[n,s,j] over rows",
                             .nan_where = "beyond the rank"});
}

void add_flow(Layout& layout, const TraceExtent& extent) {
  const std::string cut =
      extent.rows_kept ? "singular values of Z[s] below 1e-10 of the largest are dropped"
                       : "eigenvalues of Z[s]'s moments below max(N, f) 2^-52 of the largest are dropped";
  const std::string map =
      "Z[s+1] = Z[s] A^T, Z[s] the leading f pooled scores at s less their mean: least "
      "squares, minimum norm";
  const auto add = [&](Dataset dataset) {
    dataset.attributes.emplace_back("cut", cut);
    dataset.nan_where = "Z[s] or Z[s+1] has no entry but 0";
    layout.datasets.push_back(std::move(dataset));
  };
  add({.path = "/geometry/flow_eigenvalue",
       .dimensions = {"step", "flow_mode", "complex_part"},
       .long_name = "eigenvalues of the linear flow A from s to s + 1: " + map,
       .attributes = {{"order", "descending modulus, then real part, then imaginary part"}}});
  add({.path = "/geometry/flow_explained",
       .dimensions = {"step"},
       .long_name = "1 - |Z[s+1] - Z[s] A^T|^2 / |Z[s+1]|^2 of the linear flow A from s to s + 1",
       .range = core::Range{0, 1, 1e-6}});
  add({.path = "/geometry/flow_persistence",
       .dimensions = {"step"},
       .long_name = "1 - |Z[s+1] - Z[s]|^2 / |Z[s+1]|^2: what the flow A = 1 gives",
       .range = core::Range{.greatest = 1}});
}

void add_geometry(Layout& layout, const TraceExtent& extent) {
  add_row_statistics(layout, extent, "/geometry/");
  add_moments(layout, extent, "/geometry/plane_curvature", "bend",
              "the angle between the steps z[n,s+1] - z[n,s] and z[n,s+2] - z[n,s+1] in the first two pooled "
              "components",
              "either step is 0", {0, std::numbers::pi}, "radian");
  layout.datasets.push_back(
      {.path = "/geometry/principal_angle",
       .dimensions = {"step", "mode"},
       .long_name = "principal angles between the leading subspaces of s and s + 1, of dimension min(k, both "
                    "ranks), ascending; those below pi/4 from the sine",
       .units = "radian",
       .nan_where = "beyond that dimension",
       .range = core::Range{0, std::numbers::pi / 2}});
  add_flow(layout, extent);
}

}  // namespace

void add_space(Layout& layout, const TraceExtent& extent) {
  add_pca(layout, extent);
  add_pooled(layout);
  add_geometry(layout, extent);
}

void add_controls(Layout& layout, const TraceExtent& extent) {
  struct Control {
    std::string name;
    std::string how;  // x' of x
    std::string point = "point";
    std::string other = "other_point";
    std::string turns = "turns";
    std::string turns_name = "turns of the mean trajectory of x' at points 0 ... S-1";
  };
  const Control controls[] = {
      {.name = "sample_permuted",
       .how = "rows in a random order at each point, independent of that at the others",
       .turns = "sample_turns_mean",
       .turns_name = "mean over rows of the turns of x'[n] at points 0 ... S-1"},
      {.name = "layer_permuted",
       .how = "layers in one random order, both points of a layer together, the final point in its place",
       .point = "place",
       .other = "other_place"},
      {.name = "random_basis", .how = "units replaced by those of a random orthogonal basis of R^D"},
  };
  for (const Control& control : controls) {
    const std::string group = "/control/" + control.name + "/";
    const std::string of = "; x': " + control.how;
    layout.datasets.push_back({.path = group + "correlation",
                               .dimensions = {control.point, control.other},
                               .long_name = "mean over units of the Pearson correlation over rows of "
                                            "x'[:,s,d] with x'[:,t,d]" +
                                            of,
                               .nan_where = "no unit varies at both points",
                               .range = core::cosine_range});
    layout.datasets.push_back({.path = group + "cosine_mean",
                               .dimensions = {"step"},
                               .long_name = "mean over rows of cos(x'[n,s], x'[n,s+1])" + of,
                               .nan_where = "no row has two that are not 0",
                               .range = core::cosine_range});
    layout.datasets.push_back(
        {.path = group + "velocity_mean",
         .dimensions = {"step"},
         .long_name = "mean over rows of the Euclidean norm of x'[n,s+1] - x'[n,s]" + of,
         .range = core::not_negative});
    layout.datasets.push_back({.path = group + control.turns,
                               .dimensions = {"unit"},
                               .long_name = control.turns_name + of,
                               .units = "turn",
                               .range = turns_range(extent)});
  }
  layout.datasets.push_back({.path = "/control/layer_permuted/point",
                             .type = int32,
                             .dimensions = {"place"},
                             .long_name = "capture point that is shown at each place"});
}

}  // namespace orrery::archive
