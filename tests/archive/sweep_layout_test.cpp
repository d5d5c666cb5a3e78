#include "orrery/archive/sweep_layout.hpp"

#include "orrery/archive/file_builder.hpp"
#include "orrery/archive/reader.hpp"
#include "tests/archive/expect_error.hpp"
#include "tests/archive/scratch_folder.hpp"
#include "tests/support/two_points_a_layer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace orrery::archive {
namespace {

using Shape = std::vector<std::int64_t>;
using Texts = std::vector<std::string>;
using enum ElementType;

// Q = 3, M = 2, L = 6 (P = 13), D = 14, H = 5, G = 16, j = 7, E = 4, R = 8, C = 6, A = 1, 2 states at 9
// points.
const SweepExtent extent{
    .prompts = {2, 0, 11},
    .start_layers = {0, 3},
    .point_map = orrery::test::two_points_a_layer(6),
    .units = 14,
    .heads = 5,
    .grid_side = 4,
    .components = 7,
    .epsilons = {0.01, 0.1, 1, 1.0 / 3},
    .directions = {"random_0", "random_1", "random_2", "random_3", "pc_1", "-pc_1", "pc_2", "-pc_2"},
    .ablated_layers = {4},
    .state_prompts = {11, 2},
    .state_points = {0, 1, 2, 3, 4, 6, 8, 10, 12}};

/// The contract's table, written out by hand.
const std::map<std::string, std::pair<ElementType, Shape>> contract = {
    {"/points/layer", {int32, {13}}},
    {"/points/kind", {text, {13}}},
    {"/points/spread", {float64, {13}}},
    {"/prompts/row", {int64, {3}}},
    {"/prompts/length", {int64, {3}}},
    {"/baseline/score", {float32, {3, 13, 7}}},
    {"/baseline/score_beside", {float32, {3, 2, 13, 7}}},
    {"/baseline/norm", {float32, {3, 13}}},
    {"/baseline/next_token", {int32, {3}}},
    {"/teleport/grid", {float64, {16, 2}}},
    {"/teleport/score", {float32, {3, 2, 16, 13, 7}}},
    {"/teleport/distance", {float32, {3, 2, 16, 13}}},
    {"/teleport/cosine", {float32, {3, 2, 16, 13}}},
    {"/teleport/kl", {float64, {3, 2, 16}}},
    {"/teleport/top1", {uint8, {3, 2, 16}}},
    {"/noise/distance", {float32, {3, 2, 4, 8, 13}}},
    {"/noise/cosine", {float32, {3, 2, 4, 8, 13}}},
    {"/noise/kl", {float64, {3, 2, 4, 8}}},
    {"/noise/top1", {uint8, {3, 2, 4, 8}}},
    {"/control/random_direction/distance", {float32, {3, 2, 16, 13}}},
    {"/control/random_direction/cosine", {float32, {3, 2, 16, 13}}},
    {"/control/random_direction/kl", {float64, {3, 2, 16}}},
    {"/control/random_direction/top1", {uint8, {3, 2, 16}}},
    {"/control/random_direction/half_life", {float64, {3, 2, 16}}},
    {"/recovery/half_life", {float64, {3, 2, 16}}},
    {"/recovery/noise_half_life", {float64, {3, 2, 4, 8}}},
    {"/recovery/ratio", {float64, {3, 6, 2, 13}}},
    {"/recovery/relative_distance", {float64, {3, 6, 2, 13}}},
    {"/recovery/spread_distance", {float64, {3, 6, 2, 13}}},
    {"/recovery/cosine", {float64, {3, 6, 2, 13}}},
    {"/recovery/exponent", {float64, {3, 6, 2, 12}}},
    {"/recovery/inward_fraction", {float64, {3, 6, 2, 12}}},
    {"/recovery/halved", {float64, {3, 6, 2}}},
    {"/recovery/half_life_median", {float64, {3, 6, 2}}},
    {"/recovery/kl", {float64, {3, 6, 2}}},
    {"/recovery/top1", {float64, {3, 6, 2}}},
    {"/summary/ratio_end", {float64, {6, 2}}},
    {"/summary/ratio_end_se", {float64, {6, 2}}},
    {"/summary/relative_distance_start", {float64, {6, 2}}},
    {"/summary/relative_distance_start_se", {float64, {6, 2}}},
    {"/summary/relative_distance_end", {float64, {6, 2}}},
    {"/summary/relative_distance_end_se", {float64, {6, 2}}},
    {"/summary/spread_distance_start", {float64, {6, 2}}},
    {"/summary/spread_distance_start_se", {float64, {6, 2}}},
    {"/summary/spread_distance_end", {float64, {6, 2}}},
    {"/summary/spread_distance_end_se", {float64, {6, 2}}},
    {"/summary/cosine_end", {float64, {6, 2}}},
    {"/summary/cosine_end_se", {float64, {6, 2}}},
    {"/summary/exponent", {float64, {6, 2}}},
    {"/summary/exponent_se", {float64, {6, 2}}},
    {"/summary/inward_fraction", {float64, {6, 2}}},
    {"/summary/inward_fraction_se", {float64, {6, 2}}},
    {"/summary/halved", {float64, {6, 2}}},
    {"/summary/halved_se", {float64, {6, 2}}},
    {"/summary/kl", {float64, {6, 2}}},
    {"/summary/kl_se", {float64, {6, 2}}},
    {"/summary/top1", {float64, {6, 2}}},
    {"/summary/top1_se", {float64, {6, 2}}},
    {"/summary/half_life_median", {float64, {6, 2}}},
    {"/ablation/kl", {float64, {3, 1, 6}}},
    {"/ablation/top1", {uint8, {3, 1, 6}}},
    {"/ablation/distance", {float32, {3, 1, 6, 13}}},
    {"/ablation/norm", {float32, {3, 1, 6, 13}}},
    {"/ablation/velocity", {float32, {3, 1, 6, 12}}},
    {"/ablation/cosine", {float32, {3, 1, 6, 12}}},
    {"/ablation/kl_mean", {float64, {1, 6}}},
    {"/ablation/norm_mean", {float64, {1, 6, 13}}},
    {"/ablation/velocity_mean", {float64, {1, 6, 12}}},
    {"/ablation/cosine_mean", {float64, {1, 6, 12}}},
    {"/states/baseline", {float32, {2, 9, 14}}},
    {"/states/unperturbed", {float32, {2, 2, 9, 14}}},
    {"/states/teleport", {float32, {2, 2, 16, 9, 14}}},
    {"/states/random_direction", {float32, {2, 2, 16, 9, 14}}},
    {"/states/noise", {float32, {2, 2, 4, 8, 9, 14}}},
};

std::vector<std::string> paths_of(const Layout& layout) {
  std::vector<std::string> paths;
  for (const Dataset& dataset : layout.datasets) paths.push_back(dataset.path);
  std::ranges::sort(paths);
  return paths;
}

std::vector<std::string> scales_of(const Layout& layout) {
  std::vector<std::string> names;
  for (const Scale& scale : layout.scales) names.push_back(scale.name);
  std::ranges::sort(names);
  return names;
}

AttributeValue root_attribute(const SweepExtent& given, const std::string& name) {
  const Layout layout = sweep_layout(given);
  const auto found = std::ranges::find(layout.attributes, name, &Attribute::name);
  return found == layout.attributes.end() ? "no such attribute" : found->value;
}

TEST(SweepLayout, IsTheContract) {
  const Layout layout = sweep_layout(extent);
  validate(layout);
  for (const Dataset& dataset : layout.datasets) {
    ASSERT_TRUE(contract.contains(dataset.path)) << dataset.path;
    EXPECT_EQ(dataset.type, contract.at(dataset.path).first) << dataset.path;
    EXPECT_EQ(shape_of(layout, dataset), contract.at(dataset.path).second) << dataset.path;
  }
  EXPECT_EQ(layout.datasets.size(), contract.size());
  EXPECT_TRUE(layout.absent.empty());
  EXPECT_EQ(scales_of(layout), (Texts{"ablated_layer", "case", "component", "direction", "epsilon",
                                      "grid_point", "part", "plane_axis", "point", "prompt", "start_layer",
                                      "state_point", "state_prompt", "step", "unit"}));
}

TEST(SweepLayout, HasTheTextsOfPromptsOfOnesOwn) {
  SweepExtent own = extent;
  own.own_prompts = true;
  const Layout layout = sweep_layout(own);
  EXPECT_EQ(layout.datasets.size(), contract.size() + 1);
  EXPECT_EQ(dataset_named(layout, "/prompts/text").type, text);
  EXPECT_EQ(shape_of(layout, dataset_named(layout, "/prompts/text")), (Shape{3}));
  // Its values are for the caller to give, as a text's always are beforehand.
  EXPECT_THROW(validate(layout), core::Error);
}

TEST(SweepLayout, NamesTheSummary) {
  Texts expected, named;
  for (const auto& [path, unused] : contract) {
    if (!path.starts_with("/summary/") || path.ends_with("half_life_median")) continue;
    expected.push_back(path);
  }
  for (const std::string name : summary_names) {
    named.push_back("/summary/" + name);
    named.push_back("/summary/" + name + "_se");
  }
  std::ranges::sort(named);
  EXPECT_EQ(named, expected);
}

TEST(SweepLayout, FillsTheCoordinates) {
  const Layout layout = sweep_layout(extent);
  const auto integers = [&](const char* scale) {
    return std::get<std::vector<std::int64_t>>(scale_named(layout, scale).values);
  };
  const auto texts = [&](const char* scale) { return std::get<Texts>(scale_named(layout, scale).values); };
  EXPECT_EQ(integers("prompt"), (Shape{2, 0, 11}));
  EXPECT_EQ(integers("start_layer"), (Shape{0, 3}));
  EXPECT_EQ(integers("grid_point").back(), 15);
  EXPECT_EQ(integers("state_prompt"), (Shape{11, 2}));
  EXPECT_EQ(integers("state_point"), extent.state_points);
  EXPECT_EQ(integers("ablated_layer"), (Shape{4}));
  EXPECT_EQ(std::get<std::vector<double>>(scale_named(layout, "epsilon").values), extent.epsilons);
  EXPECT_EQ(texts("direction"), extent.directions);
  EXPECT_EQ(texts("plane_axis"), (Texts{"pc_1", "pc_2"}));
  EXPECT_EQ(texts("part"), (Texts{"head_0", "head_1", "head_2", "head_3", "head_4", "mlp"}));
  EXPECT_EQ(texts("case"), (Texts{"teleport", "random_direction", "noise 0.01", "noise 0.1", "noise 1",
                                  "noise 0.3333333333333333"}));
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(dataset_named(layout, "/points/layer").values),
            (Shape{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6}));
}

TEST(SweepLayout, RecordsTheChoices) {
  EXPECT_EQ(root_attribute(extent, "mode"), AttributeValue("plane"));
  EXPECT_EQ(root_attribute(extent, "range"), AttributeValue("pooled"));
  EXPECT_EQ(root_attribute(extent, "weights"), AttributeValue("file"));
  EXPECT_EQ(root_attribute(extent, "ablate"), AttributeValue("zero"));
  SweepExtent other = extent;
  other.shift = other.grid_by_layer = other.untrained = other.ablate_to_mean = other.rows_float64 = true;
  EXPECT_EQ(root_attribute(other, "mode"), AttributeValue("shift"));
  EXPECT_EQ(root_attribute(other, "range"), AttributeValue("layer"));
  EXPECT_EQ(root_attribute(other, "weights"), AttributeValue("random"));
  EXPECT_EQ(root_attribute(other, "ablate"), AttributeValue("mean"));
  const Layout layout = sweep_layout(other);
  validate(layout);
  EXPECT_EQ(shape_of(layout, dataset_named(layout, "/teleport/grid")), (Shape{2, 16, 2}));
  for (const char* name : {"baseline", "unperturbed", "teleport", "random_direction", "noise"}) {
    EXPECT_EQ(dataset_named(layout, std::string("/states/") + name).type, float64) << name;
  }
  for (const char* path : {"/teleport/distance", "/states/teleport", "/ablation/distance"}) {
    EXPECT_NE(dataset_named(layout, path).long_name, dataset_named(sweep_layout(extent), path).long_name)
        << "what was done is said: " << path;
  }
  other.ablated_layers.clear();
  EXPECT_EQ(root_attribute(other, "ablate"), AttributeValue("no such attribute"));
}

/// A run that lacks some datasets: those of the contract that stand in `left_out`, or in a group there, are
/// absent with a reason, the rest is there.
void expect_lacks(const SweepExtent& given, const Texts& left_out, const Texts& scales_left_out) {
  const Layout layout = sweep_layout(given);
  validate(layout);
  Texts expected, absent, expected_absent;
  for (const auto& [path, unused] : contract) {
    const bool lacks = std::ranges::any_of(left_out, [path = path](const std::string& one) {
      return path == one || path.starts_with(one + "/");
    });
    (lacks ? expected_absent : expected).push_back(path);
  }
  for (const Absence& absence : layout.absent) {
    EXPECT_FALSE(absence.reason.empty());
    absent.push_back(absence.path);
  }
  std::ranges::sort(absent);
  EXPECT_EQ(paths_of(layout), expected);
  EXPECT_EQ(absent, expected_absent);
  Texts scales = scales_of(sweep_layout(extent));
  std::erase_if(scales,
                [&](const std::string& name) { return std::ranges::count(scales_left_out, name) > 0; });
  EXPECT_EQ(scales_of(layout), scales);
}

TEST(SweepLayout, LacksWhatWasNotAskedFor) {
  SweepExtent given = extent;
  given.state_prompts.clear();
  given.state_points.clear();
  expect_lacks(given, {"/states"}, {"state_prompt", "state_point", "unit"});
  given = extent;
  given.ablated_layers.clear();
  expect_lacks(given, {"/ablation"}, {"ablated_layer", "part"});
  given = extent;
  given.control = false;
  expect_lacks(given, {"/control", "/states/random_direction"}, {});
  EXPECT_EQ(given.cases().size(), 5U);
  given = extent;
  given.noise = false;
  expect_lacks(given, {"/noise", "/recovery/noise_half_life", "/states/noise"}, {"epsilon", "direction"});
  EXPECT_EQ(given.cases(), (Texts{"teleport", "random_direction"}));
  given = extent;
  given.teleports = false;
  expect_lacks(
      given, {"/teleport", "/control", "/recovery/half_life", "/states/teleport", "/states/random_direction"},
      {"grid_point", "plane_axis"});
  EXPECT_EQ(given.cases()[0], "noise 0.01");
  given.noise = false;
  expect_lacks(given,
               {"/teleport", "/control", "/noise", "/recovery", "/summary", "/baseline/score_beside",
                "/states/unperturbed", "/states/teleport", "/states/random_direction", "/states/noise"},
               {"grid_point", "plane_axis", "epsilon", "direction", "case", "start_layer"});
}

TEST(SweepLayout, RefusesWhatNoSweepHas) {
  const auto refuses = [](const char* why, auto change) {
    SweepExtent given = extent;
    change(given);
    SCOPED_TRACE(why);
    test::expect_error(core::ExitCode::internal, "no sweep has such sizes", [&] { sweep_layout(given); });
  };
  refuses("no prompt", [](SweepExtent& given) { given.prompts.clear(); });
  refuses("no start layer", [](SweepExtent& given) { given.start_layers.clear(); });
  refuses("a start layer beyond", [](SweepExtent& given) { given.start_layers = {6}; });
  refuses("no grid", [](SweepExtent& given) { given.grid_side = 0; });
  refuses("no epsilon", [](SweepExtent& given) { given.epsilons.clear(); });
  refuses("no direction", [](SweepExtent& given) { given.directions.clear(); });
  refuses("an ablated layer beyond", [](SweepExtent& given) { given.ablated_layers = {6}; });
  refuses("states of another prompt", [](SweepExtent& given) { given.state_prompts = {1}; });
  refuses("states at no point", [](SweepExtent& given) { given.state_points.clear(); });
  refuses("a state beyond", [](SweepExtent& given) { given.state_points = {13}; });
  refuses("nothing to do", [](SweepExtent& given) {
    given.teleports = given.noise = false;
    given.ablated_layers.clear();
  });
}

TEST(SweepLayout, SaysWhereNumbersMayBeMissing) {
  const Layout layout = sweep_layout(extent);
  const auto nan_where = [&](const std::string& path) { return dataset_named(layout, path).nan_where; };
  for (const auto& [path, unused] : contract) {
    const Dataset& dataset = dataset_named(layout, path);
    EXPECT_EQ(dataset.infinite_where.empty(), path.find("half_life") == std::string::npos) << path;
    EXPECT_EQ(dataset.units == "nat", path.find("/kl") != std::string::npos) << path;
    const bool real = dataset.type == float32 || dataset.type == float64;
    EXPECT_TRUE(real || dataset.nan_where.empty()) << path;
  }
  for (const char* path : {"/teleport/distance", "/noise/cosine", "/control/random_direction/distance",
                           "/recovery/ratio", "/recovery/inward_fraction", "/states/noise"}) {
    EXPECT_TRUE(nan_where(path).starts_with("before the start layer's point s0")) << path;
  }
  for (const char* path : {"/ablation/norm", "/ablation/velocity_mean"}) {
    EXPECT_EQ(nan_where(path), "before the ablated layer's point 2 l") << path;
  }
  for (const char* path : {"/baseline/norm", "/teleport/kl", "/teleport/grid", "/recovery/kl",
                           "/recovery/top1", "/ablation/kl", "/states/baseline"}) {
    EXPECT_EQ(nan_where(path), "") << path;
  }
  EXPECT_EQ(nan_where("/recovery/half_life"), "d[s0] is 0");
  EXPECT_EQ(nan_where("/summary/ratio_end_se"), "fewer than two prompts have one");
}

TEST(SweepLayout, MakesAFileThatTheReaderKnows) {
  const test::ScratchFolder folder;
  const Layout layout = sweep_layout(extent);
  build_file(folder / "sweep.h5", layout);
  const Reader file(folder / "sweep.h5", Incomplete::accept);
  EXPECT_EQ(file.format(), "orrery-sweep");
  EXPECT_EQ(file.read_texts("/case"), extent.cases());
  EXPECT_EQ(file.read_reals("/epsilon"), extent.epsilons);
  EXPECT_EQ(file.read_integers("/prompt"), extent.prompts);
  EXPECT_EQ(file.attribute("/recovery/half_life", "infinite_where"), AttributeValue("d never halves"));
  EXPECT_EQ(file.attribute("/recovery/half_life", "nan_where"), AttributeValue("d[s0] is 0"));
  EXPECT_EQ(file.attribute("/recovery/kl", "infinite_where"), std::nullopt);
}

}  // namespace
}  // namespace orrery::archive
