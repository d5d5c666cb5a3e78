#include "orrery/statistics/trace_statistics.hpp"

#include "tests/statistics/data.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <string>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;

/// Every number of a result as bits, by the dataset and the line or column it belongs to.
using Bits = std::map<std::string, std::vector<std::uint64_t>>;

void put(Bits& bits, const std::string& name, const std::vector<double>& values) {
  for (const double value : values) bits[name].push_back(std::bit_cast<std::uint64_t>(value));
}

void put(Bits& bits, const std::string& name, const RowSeries& series) {
  put(bits, name + "/rows", series.rows);
  put(bits, name + "/mean", series.mean);
  put(bits, name + "/std", series.standard_deviation);
}

std::vector<double> as_doubles(const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kDouble).contiguous();
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

/// What this rank holds for the units and points that are its own.
void put_owned(Bits& bits, const TraceStatistics& got) {
  for (std::size_t u = 0; u < got.units.units.size(); ++u) {
    const std::string unit = "unit " + std::to_string(got.units.units[u]);
    const auto column = static_cast<std::int64_t>(u);
    put(bits, unit, as_doubles(got.units.mean.select(1, column)));
    put(bits, unit, as_doubles(got.units.variance.select(1, column)));
    put(bits, unit, as_doubles(got.units.adjacent_correlation.select(1, column)));
  }
  for (std::size_t p = 0; p < got.points.points.size(); ++p) {
    const std::string point = "point " + std::to_string(got.points.points[p].value());
    const auto line = static_cast<std::int64_t>(p);
    put(bits, point, as_doubles(got.points.mean.select(0, line)));
    put(bits, point, as_doubles(got.points.eigenvalue.select(0, line)));
    put(bits, point, as_doubles(got.points.component.select(0, line)));
  }
}

void put_root(Bits& bits, const TraceStatistics& got) {
  put(bits, "cosine", got.rows.cosine);
  put(bits, "velocity", got.rows.velocity);
  put(bits, "relative_velocity", got.rows.relative_velocity);
  put(bits, "norm", got.rows.norm);
  put(bits, "abs", got.rows.abs);
  put(bits, "active", got.rows.active);
  put(bits, "hoyer", got.rows.hoyer);
  put(bits, "kurtosis", got.rows.kurtosis);
  put(bits, "acceleration", got.rows.acceleration);
  put(bits, "correlation", got.units.correlation);
  for (const std::int64_t count : got.units.correlation_units) bits["units used"].push_back(count);
  put(bits, "null", got.units.residual_null);
  put(bits, "adjacent left out", got.units.adjacent_left_out);
  put(bits, "null left out", got.units.residual_null_left_out);
  for (const Spectrum& spectrum : got.points.spectrum) {
    put(bits, "spectrum",
        {spectrum.total_variance, spectrum.participation_ratio, spectrum.participation_ratio_corrected,
         spectrum.participation_ratio_standardised, spectrum.effective_rank, spectrum.top_unit_share});
    bits["rank"].push_back(spectrum.rank);
    for (const std::int32_t count : spectrum.components_for) bits["components for"].push_back(count);
  }
  for (const Headline::Entry& entry : got.headline.entries)
    put(bits, entry.name, {entry.value, entry.standard_error});
}

/// Every rank's own share, and rank 0's summary, must be found in `expected` bit by bit.
void expect_same_bits(const Communicator& ranks, const TraceStatistics& got, const Bits& expected,
                      const std::string& what) {
  Bits bits;
  put_owned(bits, got);
  if (ranks.is_root()) put_root(bits, got);
  for (const auto& [name, values] : bits) {
    const auto found = expected.find(name);
    ASSERT_NE(found, expected.end()) << name;
    EXPECT_TRUE(values == found->second) << name << ", " << what;
  }
  const auto owned = [](const Bits& all) {
    return std::count_if(all.begin(), all.end(), [](const auto& entry) {
      return entry.first.starts_with("unit ") || entry.first.starts_with("point ");
    });
  };
  EXPECT_EQ(ranks.sum(owned(bits)), owned(expected));  // each unit and point on exactly one rank
  if (ranks.is_root()) {
    EXPECT_EQ(std::ssize(bits) - owned(bits), std::ssize(expected) - owned(expected));
  }
}

TEST(TraceStatistics, SameBitsForAnyRanksAssignmentAndThreads) {
  const Communicator ranks = Communicator::world();
  const Communicator alone = Communicator::self();
  for (const Extent& extent : {Extent{203, 5, 190}, {90, 7, 333}, {3, 3, 70}, {2, 9, 64}, {1, 3, 5}}) {
    const Data data = testing::walk(extent, 81);
    const TraceStatistics plain =
        trace_statistics(alone, testing::deal(alone, data, at::kFloat, 0), extent, {16, 1, 20});
    Bits expected;
    put_owned(expected, plain);
    put_root(expected, plain);
    for (const std::uint64_t seed : {0, 1, 2, 3}) {
      for (const int threads : {1, 2, 3}) {
        const SampleShard rows = testing::deal(ranks, data, at::kFloat, seed);
        expect_same_bits(ranks, trace_statistics(ranks, rows, extent, {16, threads, 20}), expected,
                         "seed " + std::to_string(seed) + ", threads " + std::to_string(threads));
      }
    }
  }
}

TEST(TraceStatistics, KeepsTheSampleShard) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::walk({11, 3, 70}, 82);
  const SampleShard rows = testing::deal(ranks, data, at::kFloat, 1);
  const at::Tensor before = rows.x.clone();
  trace_statistics(ranks, rows, data.extent, {4, 2, 20});
  EXPECT_EQ(std::memcmp(rows.x.const_data_ptr<float>(), before.const_data_ptr<float>(), before.nbytes()), 0);
}

TEST(StatisticsCost, FallsWithRanksAndGrowsWithTheRun) {
  const Extent extent{1000, 65, 4096};
  const std::int64_t shard = 1000 * 65 * 4096 * std::int64_t{4};
  const std::int64_t alone = statistics_bytes(extent, 1, {64, 2}, 4);
  EXPECT_GT(alone, shard);
  EXPECT_LT(alone, 3 * shard);  // those of the units, as they are and in a random basis
  EXPECT_LT(statistics_bytes(extent, 4, {64, 2}, 4), alone / 2);
  EXPECT_GT(statistics_bytes(extent, 1, {64, 2}, 8), alone + shard / 2);
  EXPECT_GT(statistics_flops(extent, 1000), 1e11);
  EXPECT_LT(statistics_flops(extent, 1000), 1e13);
}

}  // namespace
}  // namespace orrery::statistics
