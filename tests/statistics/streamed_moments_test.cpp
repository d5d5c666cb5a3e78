#include "orrery/statistics/streamed_moments.hpp"

#include "orrery/core/error.hpp"
#include "orrery/core/machine.hpp"
#include "tests/statistics/reference.hpp"
#include "tests/statistics/streamed.hpp"
#include "tests/support/patience.hpp"

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <cmath>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;
using testing::Dealing;
using testing::Streamed;

// What design.md promises between kept rows and streaming, in spreads of the units.
constexpr double tolerance = 1e-6;

void expect_near(double value, double expected, double allowed) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(value)) << value;
  } else {
    EXPECT_NEAR(value, expected, allowed);
  }
}

double spread(const Data& data, std::int64_t s, std::int64_t d) {
  return data.extent.samples > 1 ? std::sqrt(reference::variance(data, s, d)) : 0;
}

void expect_units(const Streamed& got, const Data& data) {
  const auto& [samples, points, all_units] = data.extent;
  const std::int64_t units = std::ssize(got.units.units);
  for (std::int64_t s = 0; s < points; ++s) {
    for (std::int64_t u = 0; u < units; ++u) {
      const std::int64_t d = got.units.units[u];
      const double expected = reference::mean(data, s, d);
      const double allowed = tolerance * spread(data, s, d) + 1e-15 * std::abs(expected);
      expect_near(got.units.mean.const_data_ptr<double>()[s * units + u], expected, allowed);
      const double variance = reference::variance(data, s, d);
      expect_near(got.units.variance.const_data_ptr<double>()[s * units + u], variance, tolerance * variance);
      if (s + 1 == points) continue;
      expect_near(got.units.adjacent_correlation.const_data_ptr<float>()[s * units + u],
                  reference::correlation(data, s, s + 1, d), tolerance);
    }
  }
  EXPECT_TRUE(got.units.adjacent_left_out.empty() && got.units.residual_null_left_out.empty());
}

void expect_means_over_units(const Streamed& got, const Data& data) {
  const std::int64_t points = data.extent.points;
  ASSERT_EQ(std::ssize(got.units.correlation), points * points);
  for (std::int64_t s = 0; s < points; ++s) {
    for (std::int64_t t = 0; t < points; ++t) {
      std::int64_t count = 0;
      const double expected = reference::mean_correlation(data, s, t, &count);
      expect_near(got.units.correlation[s * points + t], expected, tolerance);
      EXPECT_EQ(got.units.correlation_units[s * points + t], count);
      if (s == t && count > 0) {
        EXPECT_EQ(got.units.correlation[s * points + t], 1);
      }
    }
    if (s + 1 < points) expect_near(got.units.residual_null[s], reference::residual_null(data, s), tolerance);
  }
}

void expect_points(const Streamed& got, const Data& data) {
  const std::int64_t units = data.extent.units;
  for (std::size_t p = 0; p < got.points.size(); ++p) {
    const std::int64_t s = got.points[p];
    const reference::Covariance covariance(data, s);
    const double freedom = static_cast<double>(data.extent.samples - 1);
    const double* entry = got.scatter[p].const_data_ptr<double>();
    for (std::int64_t i = 0; i < units; ++i) {
      const double expected = reference::mean(data, s, i);
      EXPECT_NEAR(got.mean[p][i], expected, tolerance * spread(data, s, i) + 1e-15 * std::abs(expected));
      for (std::int64_t j = 0; j < units && data.extent.samples > 1; ++j) {
        const double allowed = tolerance * spread(data, s, i) * spread(data, s, j);
        EXPECT_NEAR(entry[i * units + j] / freedom, covariance.matrix(i, j), allowed) << s << ' ' << i << j;
        EXPECT_EQ(entry[i * units + j], entry[j * units + i]);
      }
      if (reference::constant(data, s, i)) {
        EXPECT_EQ(entry[i * units + i], 0);
      }
    }
  }
}

void expect_reference(const Data& data, const Dealing& dealing, int passes) {
  const Communicator ranks = Communicator::world();
  const Streamed got = testing::stream(ranks, data, dealing);
  EXPECT_EQ(got.passes, passes);
  expect_units(got, data);
  if (ranks.is_root()) expect_means_over_units(got, data);
  expect_points(got, data);
}

TEST(StreamedMoments, AgreeWithThePlainFormulas) {
  for (const Extent& extent :
       {Extent{23, 7, 70}, {5, 3, 64}, {3, 3, 9}, {2, 3, 5}, {1, 5, 7}, {4, 1, 3}, {14, 3, 150}}) {
    expect_reference(testing::walk(extent, 21), {.pilot = 0, .seed = 9, .threads = 2}, 1);
    expect_reference(testing::noise(extent, 22), {.pilot = 0, .seed = 8, .dtype = at::kDouble}, 1);
  }
}

TEST(StreamedMoments, APilotIsEnoughWhereItsRowsAreLikeTheOthers) {
  expect_reference(testing::walk({700, 3, 20}, 23), {.pilot = 50, .seed = 3, .round = 90}, 1);
  expect_reference(testing::walk({12, 3, 20}, 23), {.pilot = 10, .seed = 3}, 1);
}

TEST(StreamedMoments, ValuesFarBeyondThePilotAreStillExact) {
  Data data = testing::walk({400, 5, 20}, 24);
  for (const std::int64_t n : {90, 91, 300}) data.at(n, 2, 17) = 100;  // some 16 times the pilot's largest
  expect_reference(data, {.pilot = 50, .seed = 4, .round = 30, .threads = 2}, 1);
}

// The first point has two values, one of them in 19 of 20 rows. Its second unit has the quanta of the others,
// 2⁻²⁴, and values 15/32 of a quantum from one: without a dither, two errors that make its variance too small
// by 3.5·10⁻⁶.
TEST(StreamedMoments, EqualValuesInDifferentRowsHaveErrorsThatAverageOut) {
  Data data = testing::walk({6000, 3, 9}, 24);
  for (std::int64_t n = 0; n < 6000; ++n) {
    for (std::int64_t d = 0; d < 9; ++d) {
      const double size = d == 1 ? (270000 + 15.0 / 32) * 0x1p-24 : 0.7;
      data.at(n, 0, d) = n % 20 == 0 ? size : -size;
    }
  }
  data.round_to_float();
  expect_reference(data, {.pilot = 50, .seed = 4, .round = 1000}, 1);
}

TEST(StreamedMoments, AValueBeyondTheHeadroomTakesASecondPass) {
  Data data = testing::walk({400, 5, 20}, 24);
  data.at(300, 2, 17) = 4000;
  expect_reference(data, {.pilot = 50, .seed = 4, .round = 30, .threads = 2}, 2);
}

TEST(StreamedMoments, ASpreadOfTooFewQuantaTakesASecondPass) {
  Data data = testing::walk({400, 3, 20}, 25);
  for (std::int64_t n = 0; n < 400; ++n) data.at(n, 1, 5) = 2 + 1e-4 * data.at(n, 0, 5);
  data.round_to_float();
  expect_reference(data, {.pilot = 50, .seed = 4, .round = 100}, 2);
}

TEST(StreamedMoments, AUnitThatVariesIsNotCalledConstant) {
  Data data = testing::walk({60, 3, 20}, 26);
  for (std::int64_t n = 0; n < 60; ++n) data.at(n, 1, 5) = 2;
  data.at(40, 1, 5) = 2 + 0x1p-22;  // the next float32 number
  expect_reference(data, {.pilot = 20, .seed = 4, .round = 10}, 2);
}

TEST(StreamedMoments, MassiveActivationsKeepTheirDigits) {
  Data data = testing::noise({500, 4, 12}, 31);
  for (std::int64_t n = 0; n < 500; ++n) {
    for (std::int64_t s = 0; s < 4; ++s) {
      for (std::int64_t d = 0; d < 12; ++d) {
        double& x = data.at(n, s, d);
        if (s > 0) x = 0.6 * data.at(n, s - 1, d) + 0.8 * x;
      }
    }
    for (std::int64_t s = 0; s < 4; ++s) {
      for (std::int64_t d = 0; d < 12; ++d) {
        data.at(n, s, d) = d == 3 ? 3000 + 0.01 * data.at(n, s, d) : 0.1 * data.at(n, s, d);
      }
    }
  }
  data.round_to_float();
  // The massive unit has the quanta of the others, whose spread is ten times as large.
  expect_reference(data, {.pilot = 50, .seed = 4, .round = 100}, 1);
  expect_reference(data, {.pilot = 0, .seed = 4, .round = 100}, 1);
}

TEST(StreamedMoments, EqualRowsAndPointsThatAreConstant) {
  Data data = testing::walk({9, 3, 6}, 27);
  for (std::int64_t n = 0; n < 9; ++n) {  // point 1 is constant, all rows but two are equal elsewhere
    for (std::int64_t d = 0; d < 6; ++d) {
      data.at(n, 1, d) = static_cast<float>(0.1 * static_cast<double>(d + 1));
      if (n < 7) data.at(n, 0, d) = data.at(0, 0, d);
      if (n < 7) data.at(n, 2, d) = data.at(0, 2, d);
    }
  }
  expect_reference(data, {.pilot = 4, .seed = 5, .round = 2}, 2);
  Data equal = data;
  for (std::int64_t n = 0; n < 9; ++n) {
    for (std::int64_t s = 0; s < 3; ++s) {
      for (std::int64_t d = 0; d < 6; ++d) equal.at(n, s, d) = data.at(0, s, d);
    }
  }
  expect_reference(equal, {.pilot = 4, .seed = 5, .round = 2}, 1);
}

TEST(StreamedMoments, AnyRanksThreadsOrderAndDealingGiveTheSameBits) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::walk({150, 5, 140}, 28);
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    for (const int threads : {1, 2}) {
      const std::int64_t round = seed == 1 ? 13 : 60;
      EXPECT_EQ(testing::differences(ranks, data, {8, seed, round, threads}), 0);
      EXPECT_EQ(testing::differences(ranks, data, {0, seed, round, threads}), 0);
      EXPECT_EQ(testing::differences(ranks, data, {8, seed, round, threads, at::kFloat, /*saved=*/true}), 0);
    }
  }
  EXPECT_EQ(testing::differences(ranks, data, {.pilot = 0, .seed = 3, .dtype = at::kDouble}), 0);
}

TEST(StreamedMoments, PointsInSeveralPassesAreThoseOfOne) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::walk({40, 5, 20}, 29);
  const Dealing dealing{.pilot = 0, .seed = 6};
  const Streamed whole = testing::stream(ranks, data, dealing);
  const SampleShard shard = testing::deal(ranks, data, at::kFloat, 6);
  Extremes extremes(data.extent);
  extremes.add(shard.x, 1);
  const Quanta quanta = Quanta::of_all_rows(ranks, extremes);
  std::size_t next = 0;
  for (const PointRange& group : {PointRange{0, 2}, PointRange{2, 5}}) {
    StreamedMoments moments(data.extent, quanta, {false, group});
    moments.add(shard.x, 2);
    EXPECT_FALSE(moments.must_repeat(ranks));
    moments.reduce_points(ranks);
    for (; next < whole.points.size() && group.holds(whole.points[next]); ++next) {
      const std::int64_t point = whole.points[next];
      EXPECT_EQ(moments.mean(point), whole.mean[next]);
      EXPECT_TRUE(moments.scatter(point).equal(whole.scatter[next]));
      for (const std::int64_t first : {0, 3, 19}) {
        const std::int64_t height = std::min<std::int64_t>(7, 20 - first);
        EXPECT_TRUE(moments.scatter_panel(point, first, height)
                        .equal(whole.scatter[next].narrow(0, first, height).narrow(1, first, 20 - first)));
      }
    }
  }
  EXPECT_EQ(next, whole.points.size());
}

TEST(StreamedMoments, EveryPassSeesItsOverflow) {
  const Communicator ranks = Communicator::world();
  Data data = testing::walk({40, 5, 20}, 29);
  Extremes pilot(data.extent);
  pilot.add(testing::deal(ranks, data, at::kFloat, 6).x, 1);
  const Quanta quanta = Quanta::of_pilot(ranks, pilot);
  data.at(33, 2, 17) = 1e5;
  const at::Tensor rows = testing::deal(ranks, data, at::kFloat, 6).x;
  for (const PassContent& content : {PassContent{true, {}}, {false, {0, 2}}, {false, {2, 5}}}) {
    StreamedMoments moments(data.extent, quanta, content);
    moments.add(rows, 2);
    EXPECT_EQ(moments.must_repeat(ranks), content.units || content.points.holds(2));
    EXPECT_EQ(moments.extremes().greatest(2, 17), 1e5);
  }
}

TEST(StreamedMoments, MemoryDoesNotGrowWithTheRows) {
  const Communicator alone = Communicator::self();
  const Data data = testing::noise({600, 3, 96}, 30);
  const SampleShard shard = testing::deal(alone, data, at::kFloat, 0);
  Extremes extremes(data.extent);
  extremes.add(shard.x, 1);
  StreamedMoments moments(data.extent, Quanta::of_all_rows(alone, extremes), {true, {0, 3}});
  moments.add(shard.x, 2);
  const std::int64_t before = core::peak_resident_bytes();
  for (int round = 0; round < 100; ++round) moments.add(shard.x, 2);  // 70 MB of rows
  EXPECT_LT(core::peak_resident_bytes() - before, orrery::test::memory_limit(4 << 20));
}

TEST(StreamedMoments, RowsOfAnotherShapeAreRefused) {
  const Communicator alone = Communicator::self();
  const Data data = testing::noise({3, 3, 4}, 30);
  Extremes extremes(data.extent);
  extremes.add(testing::deal(alone, data, at::kFloat, 0).x, 1);
  StreamedMoments moments(data.extent, Quanta::of_all_rows(alone, extremes), {});
  EXPECT_THROW(moments.add(at::empty({2, 4, 3}, at::kFloat), 1), core::Error);
}

}  // namespace
}  // namespace orrery::statistics
