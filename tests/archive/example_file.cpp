// example_file PATH [streaming|all|sweep|shift|noise|ablation]: a complete file of made-up numbers, for other
// programs to open: a trace of rows that were kept, of rows that were streamed, or of every token; or a sweep
// of everything, of shifts within each layer's range alone, of noise and ablation of one prompt, or of
// ablation alone.
// example_file PATH fail: rank 1 may not write; for the script that watches how that ends.
#include "orrery/archive/checksum.hpp"
#include "orrery/archive/file_builder.hpp"
#include "orrery/archive/finish.hpp"
#include "orrery/archive/output.hpp"
#include "orrery/archive/shared_file.hpp"
#include "orrery/archive/sweep_layout.hpp"
#include "orrery/archive/trace_layout.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/parallel/environment.hpp"
#include "tests/support/two_points_a_layer.hpp"

#include <cstdio>
#include <numeric>
#include <optional>
#include <signal.h>
#include <string_view>
#include <sys/resource.h>

namespace {

using namespace orrery;

void forbid_writing() {
  ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit none {};
  ::getrlimit(RLIMIT_FSIZE, &none);
  none.rlim_cur = 1;
  ::setrlimit(RLIMIT_FSIZE, &none);
}

/// Rank 1 of two writes the second half of each dataset's slowest dimension: 0, 1, 2, … over the whole.
template <class T>
void write_share(archive::SharedFile& file, const std::string& path, const std::vector<std::int64_t>& shape,
                 int rank, int ranks) {
  archive::Slab slab{std::vector<std::int64_t>(shape.size(), 0), shape};
  slab.offset[0] = shape[0] * rank / ranks;
  slab.count[0] = shape[0] * (rank + 1) / ranks - slab.offset[0];
  const std::int64_t row =
      std::accumulate(shape.begin() + 1, shape.end(), std::int64_t{1}, std::multiplies<>());
  std::vector<T> values(static_cast<std::size_t>(slab.count[0] * row));
  std::iota(values.begin(), values.end(), static_cast<T>(slab.offset[0] * row));
  file.write(path, slab, std::span<const T>(values));
}

archive::Layout sweep(std::string_view kind) {
  archive::SweepExtent extent{.prompts = {2, 0, 5},
                              .start_layers = {0, 3},
                              .point_map = orrery::test::two_points_a_layer(5),
                              .units = 10,
                              .heads = 4,
                              .grid_side = 2,
                              .components = 3,
                              .epsilons = {0.01, 0.1},
                              .directions = {"random_0", "pc_1", "-pc_1"},
                              .ablated_layers = {1},
                              .state_prompts = {5},
                              .state_points = {0, 10}};
  if (kind == "sweep") return archive::sweep_layout(extent);
  extent.state_prompts = extent.state_points = {};
  if (kind == "shift") {
    extent.shift = extent.grid_by_layer = true;
    extent.noise = extent.control = false;
    extent.ablated_layers = {};
    extent.grid_side = 3;
  } else if (kind == "ablation") {
    extent.teleports = extent.noise = false;
  } else {
    extent.teleports = false;
    extent.prompts = {4};
    extent.epsilons = {0, 0.1};
    extent.components = 1;
    extent.ablate_to_mean = true;
  }
  return archive::sweep_layout(extent);
}

archive::Layout trace(std::string_view kind, int ranks) {
  const bool all = kind == "all";
  const bool kept = !all && kind != "streaming";
  return archive::trace_layout({.samples = 6,
                                .rows = all ? 44 : 6,
                                .point_map = orrery::test::two_points_a_layer(5),
                                .units = 10,
                                .components = 3,
                                .tokens = 50,
                                .ranks = ranks,
                                .permutations = 9,
                                .rows_kept = kept,
                                .every_token = all,
                                .keep_rows = kept});
}

archive::Layout layout_of(std::string_view kind, int ranks) {
  const bool swept = kind == "sweep" || kind == "shift" || kind == "noise" || kind == "ablation";
  archive::Layout layout = swept ? sweep(kind) : trace(kind, ranks);
  layout.attributes.push_back({"/", "config", "[trace]\nmodel = Übung\n"});
  layout.attributes.push_back({"/", "seed", std::int64_t{7}});
  return layout;
}

void run(const parallel::Communicator& ranks, const std::string& path, const archive::Layout& layout,
         bool fail) {
  std::optional<archive::Output> output;
  parallel::agree(ranks, "making the output", [&] {
    if (!ranks.is_root()) return;
    output.emplace(path, archive::Existing::overwrite);
    archive::build_file(output->file(), layout);
    output->reserve(static_cast<std::int64_t>(std::filesystem::file_size(output->file())));
  });
  archive::SharedFile file(ranks, ranks.broadcast(output ? output->file().string() : ""), layout);
  parallel::agree(ranks, "writing", [&] {
    if (fail && ranks.rank() == 1) forbid_writing();
    for (const archive::Dataset& dataset : layout.datasets) {
      const std::vector<std::int64_t> shape = archive::shape_of(layout, dataset);
      const auto share = [&]<class T>(T) {
        write_share<T>(file, dataset.path, shape, ranks.rank(), ranks.size());
      };
      if (dataset.values.index() != 0) continue;
      if (dataset.type == archive::ElementType::float32) share(float{});
      if (dataset.type == archive::ElementType::float64) share(double{});
      if (dataset.type == archive::ElementType::int32) share(std::int32_t{});
      if (dataset.type == archive::ElementType::int64) share(std::int64_t{});
      if (dataset.type == archive::ElementType::uint8) share(std::uint8_t{});
    }
  });
  file.close();
  file.read_back();
  parallel::agree(ranks, "finishing the output", [&] {
    if (!ranks.is_root()) return;
    archive::set_attributes(output->file(), {{"/timing", "total_seconds", 1.5}});
    if (layout.format == archive::trace_format)
      archive::set_attributes(output->file(), {{"/headline", "turns", 10.7}});
  });
  archive::write_checksums(ranks, output ? output->file() : "");
  parallel::agree(ranks, "publishing the output", [&] {
    if (!ranks.is_root()) return;
    archive::mark_complete(output->file());
    output->publish();
  });
}

}  // namespace

int main(int argc, char** argv) {
  parallel::Environment environment(argc, argv);
  const parallel::Communicator ranks = parallel::Communicator::world();
  try {
    const std::string_view kind = argc > 2 ? argv[2] : "";
    run(ranks, argv[1], layout_of(kind, ranks.size()), kind == "fail");
  } catch (const parallel::AgreedError& error) {
    if (ranks.is_root()) std::fprintf(stderr, "orrery: %s\n", error.what());
    // All ranks know, but the file is open: MPI_Finalize would close it, and hang.
    ranks.barrier();
    parallel::Environment::abort(static_cast<int>(error.code()));
  }
  return 0;
}
