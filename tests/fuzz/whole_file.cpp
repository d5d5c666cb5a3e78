#include "tests/fuzz/whole_file.hpp"

#include "orrery/archive/file_builder.hpp"
#include "orrery/archive/finish.hpp"
#include "orrery/archive/sweep_layout.hpp"
#include "orrery/archive/trace_layout.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/two_points_a_layer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>

namespace orrery::test {
namespace {

using archive::ElementType;

archive::Layout trace_of(std::size_t kind) {
  const bool kept = kind == 0, all = kind == 2;
  return archive::trace_layout({.samples = 6,
                                .rows = all ? 44 : 6,
                                .point_map = orrery::test::two_points_a_layer(5),
                                .units = 10,
                                .components = 3,
                                .tokens = 50,
                                .ranks = 2,
                                .permutations = 9,
                                .rows_kept = kept,
                                .every_token = all,
                                .keep_rows = kept});
}

archive::Layout sweep_of(std::size_t kind) {
  archive::SweepExtent extent{.prompts = {0, 2, 5},
                              .start_layers = {0, 3},
                              .point_map = orrery::test::two_points_a_layer(5),
                              .units = 10,
                              .heads = 4,
                              .grid_side = 2,
                              .components = 3,
                              .epsilons = {0.01, 0.1},
                              .directions = {"random_0", "pc_1", "-pc_1"},
                              .ablated_layers = {},
                              .state_prompts = {},
                              .state_points = {}};
  if (kind == 3) {
    extent.ablated_layers = {1};
    extent.state_prompts = {5};
    extent.state_points = {0, 10};
  } else if (kind == 4) {
    extent.shift = extent.grid_by_layer = true;
    extent.noise = extent.control = false;
    extent.grid_side = 3;
  } else if (kind == 5) {
    extent.teleports = extent.noise = false;
    extent.ablated_layers = {1};
  } else {
    extent.teleports = false;
    extent.ablated_layers = {2};
    extent.ablate_to_mean = true;
  }
  return archive::sweep_layout(extent);
}

/// Numbers for a dataset that the layout leaves open: tokens of eight a sample, others without a pattern.
archive::Values values_for(const std::string& path, ElementType type, std::size_t count) {
  if (type == ElementType::float32 || type == ElementType::float64) {
    std::vector<double> values(count);
    for (std::size_t i = 0; i < count; ++i)
      values[i] = 0.5 + 0.4 * std::sin(1.7 * static_cast<double>(i * i + 1));
    return values;
  }
  std::vector<std::int64_t> values(count, 7);
  for (std::size_t i = 0; i < count; ++i) {
    if (path == "/samples/token_offset") values[i] = static_cast<std::int64_t>(8 * i);
    if (path == "/samples/row") values[i] = static_cast<std::int64_t>(i);
  }
  return values;
}

archive::Layout make_layout(std::size_t kind) {
  archive::Layout layout = kind < trace_kinds ? trace_of(kind) : sweep_of(kind);
  for (archive::Dataset& dataset : layout.datasets) {
    if (dataset.values.index() != 0) continue;
    const auto shape = archive::shape_of(layout, dataset);
    const auto count = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
    dataset.values = values_for(dataset.path, dataset.type, static_cast<std::size_t>(count));
  }
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, archive::AttributeValue>>{
           {"config", "[trace]\nmodel = folder/llama\nweights = file\n"},
           {"dtype", "float32"},
           {"residual_dtype", "float32"},
           {"model_name", "llama"},
           {"model_sha256", "0"},
           {"tokenizer_sha256", "1"},
           {"corpus_sha256", "2"},
           {"corpus_name", "corpus.txt"},
           {"created_utc", "2024-01-01T00:00:00Z"},
           {"architecture", "LlamaForCausalLM"},
           {"layers", std::int64_t{5}},
           {"hidden_size", std::int64_t{10}},
           {"heads", std::int64_t{4}},
           {"ranks", std::int64_t{2}},
           {"seed", std::int64_t{0}}}) {
    layout.attributes.push_back({"/", name, value});
  }
  if (kind < trace_kinds) layout.attributes.push_back({"/headline", "turns", 10.7});
  return layout;
}

}  // namespace

const archive::Layout& layout_of(std::size_t kind) {
  static const std::array<archive::Layout, file_kinds> layouts = [] {
    std::array<archive::Layout, file_kinds> all;
    for (std::size_t each = 0; each < file_kinds; ++each) all[each] = make_layout(each);
    return all;
  }();
  return layouts[kind];
}

const std::filesystem::path& whole_file(std::size_t kind) {
  static std::array<std::filesystem::path, file_kinds> files;
  std::filesystem::path& path = files[kind];
  if (path.empty()) {
    path = scratch() / ("whole" + std::to_string(kind) + ".h5");
    archive::build_file(path, layout_of(kind));
    archive::mark_complete(path);
  }
  return path;
}

}  // namespace orrery::test
