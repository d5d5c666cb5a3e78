#include "orrery/archive/trace_layout.hpp"

#include "tests/archive/expect_error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace orrery::archive {
namespace {

using Shape = std::vector<std::int64_t>;
using enum ElementType;

// N = 20, L = 3 (P = 7), D = 12 (K = 12), k = 5, 300 tokens, 4 ranks.
const TraceExtent extent{.samples = 20, .layers = 3, .units = 12, .components = 5, .tokens = 300, .ranks = 4};

/// The contract's table, written out by hand.
const std::map<std::string, std::pair<ElementType, Shape>> contract = {
    {"/samples/row", {int64, {20}}},
    {"/samples/characters", {int64, {20}}},
    {"/samples/length", {int64, {20}}},
    {"/samples/position", {int64, {20}}},
    {"/samples/token_offset", {int64, {21}}},
    {"/samples/token", {int32, {300}}},
    {"/points/layer", {int32, {7}}},
    {"/points/kind", {text, {7}}},
    {"/residual/last_token", {float32, {20, 7, 12}}},
    {"/trajectory/mean", {float64, {7, 12}}},
    {"/trajectory/variance", {float64, {7, 12}}},
    {"/continuity/correlation", {float64, {7, 7}}},
    {"/continuity/correlation_units", {int64, {7, 7}}},
    {"/continuity/unit_correlation", {float32, {6, 12}}},
    {"/continuity/residual_null", {float64, {6}}},
    {"/continuity/cosine_mean", {float64, {6}}},
    {"/continuity/cosine_std", {float64, {6}}},
    {"/continuity/velocity_mean", {float64, {6}}},
    {"/continuity/velocity_std", {float64, {6}}},
    {"/continuity/relative_velocity_mean", {float64, {6}}},
    {"/continuity/relative_velocity_std", {float64, {6}}},
    {"/continuity/acceleration", {float64, {5}}},
    {"/density/norm_mean", {float64, {7}}},
    {"/density/norm_std", {float64, {7}}},
    {"/density/abs_mean", {float64, {7}}},
    {"/density/abs_std", {float64, {7}}},
    {"/density/active_mean", {float64, {7}}},
    {"/density/active_std", {float64, {7}}},
    {"/density/hoyer_mean", {float64, {7}}},
    {"/density/hoyer_std", {float64, {7}}},
    {"/density/kurtosis_mean", {float64, {7}}},
    {"/density/kurtosis_std", {float64, {7}}},
    {"/pca/total_variance", {float64, {7}}},
    {"/pca/participation_ratio", {float64, {7}}},
    {"/pca/participation_ratio_corrected", {float64, {7}}},
    {"/pca/participation_ratio_standardised", {float64, {7}}},
    {"/pca/effective_rank", {float64, {7}}},
    {"/pca/top_unit_share", {float64, {7}}},
    {"/pca/rank", {int32, {7}}},
    {"/pca/eigenvalue", {float64, {7, 12}}},
    {"/pca/component", {float32, {7, 5, 12}}},
    {"/pca/components_for", {int32, {7, 5}}},
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
  const Layout layout = trace_layout(extent);
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(dataset_named(layout, "/points/layer").values),
            (Shape{0, 0, 1, 1, 2, 2, 3}));
  EXPECT_EQ(std::get<std::vector<std::string>>(dataset_named(layout, "/points/kind").values),
            (std::vector<std::string>{"pre_attention", "pre_mlp", "pre_attention", "pre_mlp", "pre_attention",
                                      "pre_mlp", "final"}));
}

TEST(TraceLayout, RecordsTheChoice) {
  for (const char* path : {"/density/active_mean", "/density/active_std"}) {
    const Layout layout = trace_layout(extent);
    const auto& attributes = dataset_named(layout, path).attributes;
    ASSERT_EQ(attributes.size(), 1U);
    EXPECT_EQ(attributes[0].first, "threshold");
    EXPECT_EQ(attributes[0].second, AttributeValue(0.1));
  }
}

std::vector<std::string> absent_of(const TraceExtent& given) {
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
  TraceExtent one = extent;
  one.samples = 1;
  EXPECT_EQ(absent_of(one), (std::vector<std::string>{"/pca/eigenvalue", "/pca/component"}));
  one.layers = 1;
  EXPECT_EQ(absent_of(one).size(), 2U) << "three points are two steps and a bend";
  TraceExtent few = extent;
  few.samples = 4;
  const Layout layout = trace_layout(few);
  EXPECT_EQ(shape_of(layout, dataset_named(layout, "/pca/component")), (Shape{7, 3, 12})) << "k <= K = N - 1";
  TraceExtent none = extent;
  none.components = 0;
  EXPECT_EQ(absent_of(none), (std::vector<std::string>{"/pca/component"}));
  none.layers = 0;
  test::expect_error(core::ExitCode::internal, "a trace of nothing", [&] { trace_layout(none); });
}

TEST(TraceLayout, KeepsRowsAsAsked) {
  TraceExtent rows = extent;
  rows.rows_float64 = true;
  EXPECT_EQ(dataset_named(trace_layout(rows), "/residual/last_token").type, float64);
  rows.keep_rows = false;
  EXPECT_EQ(absent_of(rows), (std::vector<std::string>{"/residual/last_token"}));
}

}  // namespace
}  // namespace orrery::archive
