// A recipe of damage to one of orrery's files (damaged_file.hpp), which is then read by all that read such
// files: inspect, verify, figures and perturb.
#include "orrery/archive/reader.hpp"
#include "orrery/report/charts.hpp"
#include "orrery/report/figures.hpp"
#include "orrery/report/summary.hpp"
#include "orrery/sweep/sweep_input.hpp"
#include "orrery/verify/compare.hpp"
#include "orrery/verify/verify.hpp"
#include "tests/fuzz/damaged_file.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/fuzz/whole_file.hpp"
#include "tests/support/two_points_a_layer.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace {

using namespace orrery;

void inspect(const std::filesystem::path& path) {
  test::expect_order([&] {
    const archive::Reader file(path);
    test::expect_order([&] { report::summary_text(file, "damaged.h5"); });
    test::expect_order([&] { report::summary_json(file); });
    test::expect_order([&] { report::options_ini(file); });
    test::expect_order([&] { report::charts_text(file); });
    static const archive::Reader other(test::whole_file(0));
    test::expect_order([&] { verify::compare_files(other, file, {.tolerance = 1e-6, .common = true}); });
  });
}

void verify_whole(const std::filesystem::path& path) {
  test::expect_order([&] {
    const archive::Reader file(path, archive::Incomplete::accept);
    verify::verify_file(file, [](const verify::Check&) {});
  });
}

void draw(const std::filesystem::path& path, bool beside_another) {
  std::vector<std::filesystem::path> files{path};
  if (beside_another) files.insert(files.begin(), test::whole_file(0));
  test::expect_order([&] { report::draw_figures(files, {.out = test::scratch() / "figures"}); });
}

void perturb(const std::filesystem::path& path, sweep::GridRange range) {
  sweep::PerturbOptions options;
  options.trace = path;
  options.out = test::scratch() / "sweep.h5";
  options.kinds.ablate = true;
  options.ablation = sweep::Ablation::mean;
  options.score_components = 2;
  options.store = sweep::SweepStore::states;
  options.grid = 2;
  options.range = range;
  test::expect_order([&] {
    const sweep::Sweep sweep = sweep::read_sweep(options);
    sweep.cases();
    sweep.blocks();
    archive::sweep_layout(sweep.extent({0}));
    model::Shape shape;
    shape.points = test::two_points_a_layer(5);
    shape.width = 10;
    shape.heads = 4;
    shape.vocabulary = 8;
    sweep::require_model(sweep, shape);
  });
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Without gnuplot: its data and scripts are what a file's numbers go into.
  ::setenv("PATH", "", 1);
  const std::filesystem::path path = test::scratch() / "damaged.h5";
  test::write_damaged(path, {data, size});
  // One of them at a time: each takes a good part of a second.
  const unsigned choice = size > 0 ? data[0] >> 4U : 0;
  const bool variant = (choice & 4U) != 0;
  switch (choice & 3U) {
    case 0:
      inspect(path);
      break;
    case 1:
      verify_whole(path);
      break;
    case 2:
      draw(path, variant);
      break;
    default:
      perturb(path, variant ? sweep::GridRange::layer : sweep::GridRange::pooled);
  }
  return 0;
}
