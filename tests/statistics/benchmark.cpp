// Times the statistics of made-up rows, and compares the memory that they take with what the plan says.
//   mpirun -n R statistics_benchmark [samples points units threads]
#include "orrery/parallel/environment.hpp"
#include "orrery/statistics/controls.hpp"
#include "orrery/statistics/geometry.hpp"
#include "orrery/statistics/information.hpp"
#include "orrery/statistics/linear_flow.hpp"
#include "orrery/statistics/point_controls.hpp"
#include "orrery/statistics/pooled.hpp"
#include "orrery/statistics/rotation.hpp"
#include "orrery/statistics/trace_statistics.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

namespace {

using namespace orrery;

/// A line of /proc/self/status in bytes: VmRSS, VmHWM.
std::int64_t memory(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return std::stoll(line.substr(name.size() + 1)) * 1024;
  }
  return 0;
}

/// Rows that walk, cheap to make and of full rank: a counter's hash is the noise.
statistics::SampleShard make_rows(const parallel::Communicator& ranks, const statistics::Extent& extent) {
  statistics::SampleShard shard;
  for (std::int64_t n = ranks.rank(); n < extent.samples; n += ranks.size()) shard.samples.emplace_back(n);
  shard.x = at::empty({std::ssize(shard.samples), extent.points, extent.units}, at::kFloat);
  float* x = shard.x.mutable_data_ptr<float>();
  for (const core::Sample sample : shard.samples) {
    for (std::int64_t s = 0; s < extent.points; ++s) {
      for (std::int64_t d = 0; d < extent.units; ++d, ++x) {
        std::uint64_t key = ((sample.value() * extent.points + s) * extent.units + d) * 0x9E3779B97F4A7C15u;
        key = (key ^ (key >> 31)) * 0xBF58476D1CE4E5B9u;
        *x = static_cast<float>(static_cast<std::int32_t>(key >> 32)) * 0x1p-31f +
             (s > 0 ? *(x - extent.units) : 0);
      }
    }
  }
  return shard;
}

class Stopwatch {
 public:
  explicit Stopwatch(const parallel::Communicator& ranks) : ranks_(ranks) {}
  void lap(const char* what) {
    ranks_.barrier();
    const auto now = std::chrono::steady_clock::now();
    const double wall = std::chrono::duration<double>(now - start_).count();
    const double processor = static_cast<double>(std::clock() - clock_) / CLOCKS_PER_SEC;
    if (ranks_.is_root()) std::printf("%-24s %8.3f s, processor %8.3f s\n", what, wall, processor);
    clock_ = std::clock();
    start_ = now;
  }

  /// What was done since the last lap is another watch's.
  void skip() {
    start_ = std::chrono::steady_clock::now();
    clock_ = std::clock();
  }

 private:
  const parallel::Communicator& ranks_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::clock_t clock_ = std::clock();  // of this process, all threads: what counts on a busy machine
};

constexpr statistics::RotationOptions rotation{1000, 0};

void time_units(const parallel::Communicator& ranks, const statistics::UnitShard& shard,
                const statistics::UnitStatistics& units, const statistics::Extent& extent, int threads) {
  const core::PointMap points = orrery::test::two_points_a_layer((extent.points - 1) / 2);
  Stopwatch watch(ranks);
  statistics::mutual_information(ranks, shard, extent, threads);
  watch.lap("mutual information");
  statistics::unit_turns(ranks, units.units, units.mean, extent, points, rotation, threads);
  watch.lap("turns and their nulls");
  statistics::left_out_turns(ranks, shard, extent, points, rotation, threads);
  watch.lap("turns' error bars");
  statistics::sample_turns(ranks, shard, extent, threads);
  watch.lap("turns of samples");
  statistics::sample_permuted_units(ranks, shard, extent, rotation.seed, threads);
  watch.lap("samples permuted");
  statistics::layer_permuted_units(ranks, units, extent, points, rotation.seed, threads);
  watch.lap("layers permuted");
}

void time_rotated(const parallel::Communicator& ranks, const statistics::SampleShard& rows,
                  const statistics::Extent& extent, int threads) {
  Stopwatch watch(ranks);
  const at::Tensor basis = statistics::random_basis(extent.units, rotation.seed);
  watch.lap("random basis");
  const statistics::SampleShard rotated = statistics::rotate(rows, basis, threads);
  watch.lap("rows rotated");
  const statistics::UnitShard by_unit = statistics::by_unit(ranks, rotated, extent);
  watch.lap("exchange by unit");
  statistics::random_basis_units(ranks, by_unit, extent, threads);
  watch.lap("units rotated");
}

void time_parts(const parallel::Communicator& ranks, const statistics::SampleShard& rows,
                const statistics::Extent& extent, int threads) {
  Stopwatch watch(ranks);
  std::vector<std::int64_t> permuted_points(extent.points);
  std::iota(permuted_points.rbegin(), permuted_points.rend(), 0);
  const auto samples = statistics::sample_statistics(ranks, rows, extent, permuted_points, threads);
  watch.lap("rows");
  statistics::UnitShard by_unit = statistics::by_unit(ranks, rows, extent);
  watch.lap("exchange by unit");
  const auto units = statistics::unit_statistics(ranks, by_unit, extent, threads);
  watch.lap("units");
  time_units(ranks, by_unit, units, extent, threads);
  by_unit = {};
  time_rotated(ranks, rows, extent, threads);
  watch.skip();
  const statistics::PointShard by_point = statistics::by_point(ranks, rows, extent);
  watch.lap("exchange by point");
  const auto points = statistics::point_statistics(ranks, by_point, extent, 64, threads);
  watch.lap("points");
  statistics::headline(ranks, {samples, units, points, {}}, {{}, by_point}, extent,
                       orrery::test::two_points_a_layer((extent.points - 1) / 2), threads);
  watch.lap("headline's error bars");
  const at::Tensor mean = statistics::pooled_mean(ranks, points.mean);
  const auto pooled =
      statistics::pooled_components(ranks, extent, std::ssize(by_point.points),
                                    statistics::scatter_of_rows(by_point, mean), mean, 64, threads);
  watch.lap("pooled components");
  const auto scores = statistics::pooled_scores(ranks, by_point, pooled, threads);
  watch.lap("pooled scores");
  statistics::plane_curvature(ranks, scores.score, extent);
  watch.lap("plane curvature");
  statistics::principal_angles(ranks, points, threads);
  watch.lap("principal angles");
  statistics::linear_flow(ranks, scores.score, threads);
  watch.lap("linear flow");
  const auto shown = [&](core::Point point) {
    std::vector<std::int64_t> places(extent.samples);
    for (std::int64_t n = 0; n < extent.samples; ++n) places[n] = (n + 7 * point.value()) % extent.samples;
    return places;
  };
  statistics::sample_permuted_steps(ranks, by_point, shown, threads);
  watch.lap("steps of permuted samples");
}

}  // namespace

int main(int argc, char** argv) {
  parallel::Environment environment(argc, argv);
  at::set_num_threads(1);
  const parallel::Communicator ranks = parallel::Communicator::world();
  const auto number = [&](int place, std::int64_t otherwise) {
    return argc > place ? std::stoll(argv[place]) : otherwise;
  };
  const statistics::Extent extent{number(1, 667), number(2, 61), number(3, 576)};
  const int threads = static_cast<int>(number(4, 1));
  const statistics::SampleShard rows = make_rows(ranks, extent);
  statistics::trace_statistics(ranks, make_rows(ranks, {20, 3, 20}), {20, 3, 20},
                               {4, threads});   // libraries warm up
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak counts from here
  const std::int64_t before = memory("VmRSS:");
  Stopwatch watch(ranks);
  statistics::trace_statistics(ranks, rows, extent, {64, threads});
  watch.lap("all statistics");
  const std::int64_t peak = ranks.max(memory("VmHWM:") - before);
  const std::int64_t planned = statistics::statistics_bytes(extent, ranks.size(), {64, threads}, 4);
  if (ranks.is_root()) {
    std::printf("%d ranks, %d threads: peak %.1f MB beyond the rows, planned %.1f MB\n", ranks.size(),
                threads, static_cast<double>(peak) / 1e6, static_cast<double>(planned) / 1e6);
  }
  time_parts(ranks, rows, extent, threads);
  return 0;
}
