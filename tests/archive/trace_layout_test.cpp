#include "orrery/archive/trace_layout.hpp"

#include "orrery/statistics/information.hpp"
#include "tests/archive/expect_error.hpp"
#include "tests/support/two_points_a_layer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace orrery::archive {
namespace {

using Shape = std::vector<std::int64_t>;
using enum ElementType;

// N = 20, L = 6 (P = 13, S = 12), D = 14 (K = 14), k = k' = f = 5, 300 tokens, 4 ranks.
const statistics::TraceExtent extent{.samples = 20,
                                     .rows = 20,
                                     .point_map = orrery::test::two_points_a_layer(6),
                                     .units = 14,
                                     .components = 5,
                                     .tokens = 300,
                                     .ranks = 4};

/// The contract's table, written out by hand.
const std::map<std::string, std::pair<ElementType, Shape>> contract = {
    {"/samples/row", {int64, {20}}},
    {"/samples/characters", {int64, {20}}},
    {"/samples/length", {int64, {20}}},
    {"/samples/position", {int64, {20}}},
    {"/samples/token_offset", {int64, {21}}},
    {"/samples/token", {int32, {300}}},
    {"/points/layer", {int32, {13}}},
    {"/points/kind", {text, {13}}},
    {"/residual/last_token", {float32, {20, 13, 14}}},
    {"/trajectory/mean", {float64, {13, 14}}},
    {"/trajectory/variance", {float64, {13, 14}}},
    {"/continuity/correlation", {float64, {13, 13}}},
    {"/continuity/correlation_units", {int64, {13, 13}}},
    {"/continuity/unit_correlation", {float32, {12, 14}}},
    {"/continuity/residual_null", {float64, {12}}},
    {"/continuity/cosine_mean", {float64, {12}}},
    {"/continuity/cosine_std", {float64, {12}}},
    {"/continuity/velocity_mean", {float64, {12}}},
    {"/continuity/velocity_std", {float64, {12}}},
    {"/continuity/relative_velocity_mean", {float64, {12}}},
    {"/continuity/relative_velocity_std", {float64, {12}}},
    {"/continuity/acceleration", {float64, {11}}},
    {"/density/norm_mean", {float64, {13}}},
    {"/density/norm_std", {float64, {13}}},
    {"/density/abs_mean", {float64, {13}}},
    {"/density/abs_std", {float64, {13}}},
    {"/density/active_mean", {float64, {13}}},
    {"/density/active_std", {float64, {13}}},
    {"/density/hoyer_mean", {float64, {13}}},
    {"/density/hoyer_std", {float64, {13}}},
    {"/density/kurtosis_mean", {float64, {13}}},
    {"/density/kurtosis_std", {float64, {13}}},
    {"/pca/total_variance", {float64, {13}}},
    {"/pca/participation_ratio", {float64, {13}}},
    {"/pca/participation_ratio_corrected", {float64, {13}}},
    {"/pca/participation_ratio_standardised", {float64, {13}}},
    {"/pca/effective_rank", {float64, {13}}},
    {"/pca/top_unit_share", {float64, {13}}},
    {"/pca/rank", {int32, {13}}},
    {"/pca/eigenvalue", {float64, {13, 14}}},
    {"/pca/component", {float32, {13, 5, 14}}},
    {"/pca/components_for", {int32, {13, 5}}},
    {"/continuity/mutual_information", {float32, {12, 14}}},
    {"/continuity/mutual_information_mean", {float64, {12}}},
    {"/rotation/turns", {float64, {14}}},
    {"/rotation/null_mean", {float64, {14}}},
    {"/rotation/null_std", {float64, {14}}},
    {"/rotation/null_abs_mean", {float64, {14}}},
    {"/rotation/null_layer_mean", {float64, {14}}},
    {"/rotation/null_layer_std", {float64, {14}}},
    {"/rotation/null_layer_abs_mean", {float64, {14}}},
    {"/rotation/null_step_mean", {float64, {14}}},
    {"/rotation/null_step_std", {float64, {14}}},
    {"/rotation/null_step_abs_mean", {float64, {14}}},
    {"/rotation/null_sign_mean", {float64, {14}}},
    {"/rotation/null_sign_std", {float64, {14}}},
    {"/rotation/null_sign_abs_mean", {float64, {14}}},
    {"/rotation/p_more", {float64, {14}}},
    {"/rotation/p_fewer", {float64, {14}}},
    {"/rotation/p_more_layer", {float64, {14}}},
    {"/rotation/p_fewer_layer", {float64, {14}}},
    {"/rotation/p_more_step", {float64, {14}}},
    {"/rotation/p_fewer_step", {float64, {14}}},
    {"/rotation/p_more_sign", {float64, {14}}},
    {"/rotation/p_fewer_sign", {float64, {14}}},
    {"/rotation/sample_turns_mean", {float64, {14}}},
    {"/rotation/sample_turns_std", {float64, {14}}},
    {"/rotation/local_turns", {float64, {3}}},
    {"/pooled/mean", {float64, {14}}},
    {"/pooled/eigenvalue", {float64, {14}}},
    {"/pooled/component", {float32, {5, 14}}},
    {"/pooled/score", {float32, {20, 13, 5}}},
    {"/pooled/mean_score", {float64, {13, 5}}},
    {"/pooled/score_range", {float64, {2, 13, 5}}},
    {"/geometry/curvature_mean", {float64, {11}}},
    {"/geometry/curvature_std", {float64, {11}}},
    {"/geometry/plane_curvature_mean", {float64, {11}}},
    {"/geometry/plane_curvature_std", {float64, {11}}},
    {"/geometry/straightness", {float64, {20}}},
    {"/geometry/principal_angle", {float64, {12, 5}}},
    {"/geometry/flow_eigenvalue", {float64, {12, 5, 2}}},
    {"/geometry/flow_explained", {float64, {12}}},
    {"/geometry/flow_persistence", {float64, {12}}},
    {"/control/sample_permuted/correlation", {float64, {13, 13}}},
    {"/control/sample_permuted/cosine_mean", {float64, {12}}},
    {"/control/sample_permuted/velocity_mean", {float64, {12}}},
    {"/control/sample_permuted/sample_turns_mean", {float64, {14}}},
    {"/control/layer_permuted/correlation", {float64, {13, 13}}},
    {"/control/layer_permuted/cosine_mean", {float64, {12}}},
    {"/control/layer_permuted/velocity_mean", {float64, {12}}},
    {"/control/layer_permuted/turns", {float64, {14}}},
    {"/control/random_basis/correlation", {float64, {13, 13}}},
    {"/control/random_basis/cosine_mean", {float64, {12}}},
    {"/control/random_basis/velocity_mean", {float64, {12}}},
    {"/control/random_basis/turns", {float64, {14}}},
    {"/control/layer_permuted/point", {int32, {13}}},
    {"/timing/peak_bytes", {int64, {4}}},
};

TEST(TraceLayout, IsTheContract) {
  const Layout layout = trace_layout(extent);
  validate(layout);
  std::map<std::string, std::pair<ElementType, Shape>> made;
  for (const Dataset& dataset : layout.datasets) {
    made[dataset.path] = {dataset.type, shape_of(layout, dataset)};
  }
  for (const auto& [path, expected] : contract) {
    ASSERT_TRUE(made.contains(path)) << path;
    EXPECT_EQ(made[path].first, expected.first) << path;
    EXPECT_EQ(made[path].second, expected.second) << path;
  }
  EXPECT_EQ(made.size(), contract.size());
  EXPECT_TRUE(layout.absent.empty());
}

TEST(TraceLayout, FillsThePoints) {
  statistics::TraceExtent three = extent;
  three.point_map = orrery::test::two_points_a_layer(3);
  const Layout layout = trace_layout(three);
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(dataset_named(layout, "/points/layer").values),
            (Shape{0, 0, 1, 1, 2, 2, 3}));
  EXPECT_EQ(std::get<std::vector<std::string>>(dataset_named(layout, "/points/kind").values),
            (std::vector<std::string>{"pre_attention", "pre_mlp", "pre_attention", "pre_mlp", "pre_attention",
                                      "pre_mlp", "final"}));
}

AttributeValue choice(const statistics::TraceExtent& given, const std::string& path,
                      const std::string& name) {
  const Layout layout = trace_layout(given);
  for (const auto& [known, value] : dataset_named(layout, path).attributes) {
    if (known == name) return value;
  }
  return "no such attribute";
}

TEST(TraceLayout, RecordsTheChoices) {
  for (const char* path : {"/density/active_mean", "/density/active_std"}) {
    EXPECT_EQ(choice(extent, path, "threshold"), AttributeValue(0.1));
  }
  statistics::TraceExtent other = extent;
  other.permutations = 77;
  for (const char* path : {"/rotation/null_mean", "/rotation/null_sign_std", "/rotation/p_fewer_layer"}) {
    EXPECT_EQ(choice(other, path, "draws"), AttributeValue(std::int64_t{77})) << path;
  }
  EXPECT_EQ(choice(extent, "/rotation/p_more_step", "ties"), AttributeValue(1e-9));
  EXPECT_EQ(choice(extent, "/continuity/mutual_information", "bins"), AttributeValue(std::int64_t{2}));
  const auto cut = [](const statistics::TraceExtent& given) {
    return std::get<std::string>(choice(given, "/geometry/flow_explained", "cut"));
  };
  other.rows_kept = false;
  EXPECT_NE(cut(extent), cut(other)) << "moments know singular values less well than rows do";
}

TEST(TraceLayout, CountsBinsAndEigenvalues) {
  statistics::TraceExtent given = extent;
  const std::map<std::int64_t, std::int64_t> bins = {{1, 2},    {44, 2},    {45, 3},    {667, 11},
                                                     {720, 12}, {5119, 31}, {5120, 32}, {1 << 30, 32}};
  for (const auto& [rows, expected] : bins) {
    given.rows = rows;
    EXPECT_EQ(statistics::information_bins(given.rows), expected) << rows;
  }
  given.rows = 1;
  given.components = 64;
  EXPECT_EQ(given.eigenvalues(), 0);
  EXPECT_EQ(given.pooled_eigenvalues(), 12);
  EXPECT_EQ(given.flow_components(), 12);
  given.units = 40;
  given.rows = 2;
  EXPECT_EQ(given.pooled_eigenvalues(), 25);
  EXPECT_EQ(given.flow_components(), 16);
  given.rows = std::int64_t{1} << 62;
  EXPECT_EQ(given.pooled_eigenvalues(), 40);
}

std::vector<std::string> absent_of(const statistics::TraceExtent& given) {
  const Layout layout = trace_layout(given);
  validate(layout);
  std::vector<std::string> names;
  for (const Absence& absence : layout.absent) {
    EXPECT_FALSE(absence.reason.empty());
    EXPECT_TRUE(std::ranges::find(layout.datasets, absence.path, &Dataset::path) == layout.datasets.end());
    names.push_back(absence.path);
  }
  return names;
}

TEST(TraceLayout, SmallRunsLackWhatHasNoEntries) {
  statistics::TraceExtent one = extent;
  one.samples = one.rows = 1;
  EXPECT_EQ(absent_of(one),
            (std::vector<std::string>{"/pca/eigenvalue", "/pca/component", "/geometry/principal_angle"}));
  one.point_map = orrery::test::two_points_a_layer(1);
  EXPECT_EQ(absent_of(one).size(), 4U) << "three points are two steps and a bend, and no run of angles";
  statistics::TraceExtent few = extent;
  few.samples = few.rows = 4;
  const Layout layout = trace_layout(few);
  EXPECT_EQ(shape_of(layout, dataset_named(layout, "/pca/component")), (Shape{13, 3, 14}))
      << "k <= K = N - 1";
  statistics::TraceExtent shallow = extent;
  shallow.point_map = orrery::test::two_points_a_layer(4);
  EXPECT_EQ(absent_of(shallow), (std::vector<std::string>{"/rotation/local_turns"}));
  statistics::TraceExtent none = extent;
  none.point_map = orrery::test::two_points_a_layer(0);
  test::expect_error(core::ExitCode::internal, "no trace has such sizes", [&] { trace_layout(none); });
}

TEST(TraceLayout, KeepsRowsAsAsked) {
  statistics::TraceExtent rows = extent;
  rows.rows_float64 = true;
  EXPECT_EQ(dataset_named(trace_layout(rows), "/residual/last_token").type, float64);
  rows.keep_rows = false;
  EXPECT_EQ(absent_of(rows), (std::vector<std::string>{"/residual/last_token"}));
}

const std::vector<std::string> absent_when_streamed = {"/residual/last_token",
                                                       "/continuity/mutual_information",
                                                       "/continuity/mutual_information_mean",
                                                       "/control/sample_permuted/correlation",
                                                       "/control/sample_permuted/cosine_mean",
                                                       "/control/sample_permuted/velocity_mean",
                                                       "/control/sample_permuted/sample_turns_mean",
                                                       "/headline/*_se"};

TEST(TraceLayout, StreamingLacksWhatNeedsAllRows) {
  statistics::TraceExtent streamed = extent;
  streamed.rows_kept = false;
  EXPECT_EQ(absent_of(streamed), absent_when_streamed);
  streamed.keep_rows = false;
  EXPECT_EQ(absent_of(streamed), absent_when_streamed) << "nothing is left out twice";
  const Layout layout = trace_layout(streamed);
  EXPECT_FALSE(groups_of(layout).contains("/control/sample_permuted"));
  EXPECT_FALSE(groups_of(layout).contains("/residual"));
  EXPECT_EQ(shape_of(layout, dataset_named(layout, "/pooled/score")), (Shape{20, 13, 5}));
}

TEST(TraceLayout, EveryTokenIsARow) {
  statistics::TraceExtent all = extent;
  all.rows = 280;
  test::expect_error(core::ExitCode::internal, "280 rows", [&] { trace_layout(all); });
  all.every_token = true;
  test::expect_error(core::ExitCode::internal, "280 rows", [&] { trace_layout(all); });
  all.rows_kept = false;
  std::vector<std::string> expected = absent_when_streamed;
  for (const char* path : {"/samples/position", "/pooled/score", "/geometry/straightness",
                           "/rotation/sample_turns_mean", "/rotation/sample_turns_std",
                           "/control/random_basis/correlation", "/control/random_basis/cosine_mean",
                           "/control/random_basis/velocity_mean", "/control/random_basis/turns"}) {
    expected.emplace_back(path);
  }
  EXPECT_EQ(absent_of(all), expected);
  const Layout layout = trace_layout(all);
  EXPECT_EQ(shape_of(layout, dataset_named(layout, "/samples/length")), (Shape{20}));
  EXPECT_EQ(shape_of(layout, dataset_named(layout, "/pooled/score_range")), (Shape{2, 13, 5}));
  EXPECT_EQ(layout.attributes[0].value, AttributeValue(std::int64_t{280}));
  all.rows = 3;
  EXPECT_EQ(shape_of(trace_layout(all), dataset_named(trace_layout(all), "/pca/eigenvalue")), (Shape{13, 2}));
}

TEST(TraceLayout, SaysWhereNumbersMayBeMissing) {
  const auto of = [](const statistics::TraceExtent& given, const char* path) {
    const Layout layout = trace_layout(given);
    return dataset_named(layout, path).nan_where;
  };
  statistics::TraceExtent one = extent;
  one.samples = one.rows = 1;
  for (const char* path : {"/trajectory/variance", "/continuity/velocity_std", "/pca/total_variance"}) {
    EXPECT_EQ(of(extent, path), "") << path;
    EXPECT_EQ(of(one, path), "there is one row") << path;
  }
  EXPECT_EQ(of(extent, "/residual/last_token"), "");
  EXPECT_EQ(of(extent, "/pooled/score"), "beyond the rank");
}

}  // namespace
}  // namespace orrery::archive
