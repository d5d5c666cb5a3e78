#include "orrery/statistics/sample_statistics.hpp"

#include "orrery/core/error.hpp"
#include "tests/statistics/data.hpp"
#include "tests/statistics/reference.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <numeric>
#include <random>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;

// Sums of at most 200 doubles of one sign or centred: relative error below 200 · 2⁻⁵³ · a few; massive units
// make the kurtosis lose two digits more to its mean.
constexpr double tolerance = 1e-11;

void expect_near(double value, double expected, double scale = 1) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(value)) << value;
  } else {
    EXPECT_NEAR(value, expected, tolerance * std::max(std::abs(expected), scale));
  }
}

void expect_series(const RowSeries& series, const Data& data, const reference::RowMeasure& measure,
                   std::int64_t length) {
  ASSERT_EQ(series.length, length);
  for (std::int64_t s = 0; s < length; ++s) {
    for (std::int64_t n = 0; n < data.extent.samples; ++n) {
      expect_near(series.rows[n * length + s], measure(data, n, s));
    }
    expect_near(series.mean[s], reference::row_mean(data, measure, s));
    expect_near(series.standard_deviation[s], reference::row_deviation(data, measure, s));
  }
}

/// A permutation of `points` points, without regard to layers.
std::vector<std::int64_t> permuted(std::int64_t points, std::uint64_t seed) {
  std::vector<std::int64_t> shown(points);
  std::iota(shown.begin(), shown.end(), 0);
  std::shuffle(shown.begin(), shown.end(), std::mt19937_64(seed));
  return shown;
}

/// The same rows with the points relabelled.
Data relabelled(const Data& data, const std::vector<std::int64_t>& shown) {
  Data result = data;
  for (std::int64_t n = 0; n < data.extent.samples; ++n) {
    for (std::int64_t s = 0; s < data.extent.points; ++s) {
      for (std::int64_t d = 0; d < data.extent.units; ++d) result.at(n, s, d) = data.at(n, shown[s], d);
    }
  }
  return result;
}

void expect_reference(const Data& data, at::ScalarType dtype, std::uint64_t seed) {
  const Communicator ranks = Communicator::world();
  const SampleShard rows = testing::deal(ranks, data, dtype, seed);
  const std::int64_t points = data.extent.points;
  const std::vector<std::int64_t> shown = permuted(points, seed);
  const SampleStatistics got = sample_statistics(ranks, rows, data.extent, shown, 2);
  if (!ranks.is_root()) {
    EXPECT_TRUE(got.of("/density/norm").rows.empty());
    return;
  }
  expect_series(got.of("/continuity/cosine"), data, reference::cosine, points - 1);
  expect_series(got.of("/continuity/velocity"), data, reference::velocity, points - 1);
  expect_series(got.of("/continuity/relative_velocity"), data, reference::relative_velocity, points - 1);
  expect_series(got.of("/density/norm"), data, reference::norm, points);
  expect_series(got.of("/density/abs"), data, reference::mean_abs, points);
  expect_series(got.of("/density/active"), data, reference::active, points);
  expect_series(got.of("/density/hoyer"), data, reference::hoyer, points);
  expect_series(got.of("/density/kurtosis"), data, reference::kurtosis, points);
  expect_series(got.of("/geometry/curvature"), data, reference::curvature,
                std::max<std::int64_t>(0, points - 2));
  expect_series(got.of("/geometry/straightness"), data, reference::straightness, 1);
  expect_series(got.permuted_cosine, relabelled(data, shown), reference::cosine, points - 1);
  expect_series(got.permuted_velocity, relabelled(data, shown), reference::velocity, points - 1);
  ASSERT_EQ(std::ssize(got.acceleration), std::max<std::int64_t>(0, points - 2));
  for (std::int64_t s = 0; s + 2 < points; ++s) {
    expect_near(got.acceleration[s], reference::row_mean(data, reference::velocity, s + 1) -
                                         reference::row_mean(data, reference::velocity, s));
  }
}

TEST(SampleStatistics, AgreesWithThePlainFormulas) {
  for (const Extent& extent :
       {Extent{23, 7, 130}, {5, 3, 64}, {3, 3, 9}, {2, 3, 5}, {1, 5, 7}, {4, 1, 3}, {6, 3, 1}}) {
    expect_reference(testing::walk(extent, 11), at::kFloat, 7);
    expect_reference(testing::noise(extent, 12), at::kDouble, 8);
  }
}

TEST(SampleStatistics, LeavesOutZeroVectorsAndLevelOnes) {
  Data data = testing::noise({6, 4, 8}, 3);
  for (std::int64_t d = 0; d < 8; ++d) {
    data.at(2, 1, d) = 0;                                       // a zero vector
    data.at(4, 2, d) = data.at(4, 1, d);                        // a zero step
    data.at(5, 3, d) = 0.25;                                    // all units equal
    for (std::int64_t n = 0; n < 6; ++n) data.at(n, 0, d) = 0;  // a point of zero vectors
  }
  expect_reference(data, at::kFloat, 4);
}

TEST(SampleStatistics, HandMadeRow) {
  // x[0] = (3, 4, 0, 0), x[1] = (3, 0, 0.1, 0): 0.1 as float32 is a little more than 0.1, so two units are
  // active.
  Data data = testing::zeros({1, 2, 4});
  data.at(0, 0, 0) = 3;
  data.at(0, 0, 1) = 4;
  data.at(0, 1, 0) = 3;
  data.at(0, 1, 2) = static_cast<float>(0.1);
  const Communicator alone = Communicator::self();
  const SampleStatistics got =
      sample_statistics(alone, testing::deal(alone, data, at::kFloat, 0), data.extent, {0, 1}, 1);
  EXPECT_DOUBLE_EQ(got.of("/density/norm").mean[0], 5);
  EXPECT_DOUBLE_EQ(got.of("/density/abs").mean[0], 7.0 / 4);
  EXPECT_DOUBLE_EQ(got.of("/density/active").mean[0], 0.5);
  EXPECT_DOUBLE_EQ(got.of("/density/active").mean[1], 0.5);
  EXPECT_DOUBLE_EQ(got.of("/density/hoyer").mean[0], 2 - 7.0 / 5);
  EXPECT_NEAR(got.of("/continuity/velocity").mean[0], std::sqrt(16.01), 1e-8);
  EXPECT_NEAR(got.of("/continuity/relative_velocity").mean[0], std::sqrt(16.01) / 5, 1e-8);
  EXPECT_NEAR(got.of("/continuity/cosine").mean[0], 9 / (5 * std::sqrt(9.01)), 1e-9);
  EXPECT_TRUE(std::isnan(got.of("/continuity/velocity").standard_deviation[0]));  // one row has no spread
}

/// One row that goes through these points.
SampleStatistics measure_path(const std::vector<std::vector<double>>& path,
                              const std::vector<std::int64_t>& shown) {
  Data data = testing::zeros({1, std::ssize(path), std::ssize(path[0])});
  for (std::int64_t s = 0; s < data.extent.points; ++s) {
    std::copy(path[s].begin(), path[s].end(), &data.at(0, s, 0));
  }
  const Communicator alone = Communicator::self();
  return sample_statistics(alone, testing::deal(alone, data, at::kDouble, 0), data.extent, shown, 1);
}

TEST(SampleStatistics, AStraightLineHasNoCurvature) {
  const SampleStatistics got = measure_path({{0, 1, 2}, {1, 3, 5}, {3, 7, 11}, {3.5, 8, 12.5}}, {0, 1, 2, 3});
  for (const double angle : got.of("/geometry/curvature").rows) EXPECT_NEAR(angle, 0, 1e-15);
  EXPECT_NEAR(got.of("/geometry/straightness").rows[0], 1, 1e-15);
}

TEST(SampleStatistics, ARightAngleAndAWayBack) {
  const double pi = std::numbers::pi;
  const SampleStatistics got =
      measure_path({{0, 0}, {2, 0}, {2, 1}, {2, 4}, {2, 3}, {2, 3}, {0, 0}}, {0, 1, 2, 3, 4, 5, 6});
  for (const auto& [bend, angle] : {std::pair(0, pi / 2), std::pair(1, 0.0), std::pair(2, pi)}) {
    EXPECT_DOUBLE_EQ(got.of("/geometry/curvature").rows[bend], angle);
  }
  EXPECT_TRUE(std::isnan(got.of("/geometry/curvature").rows[3]));  // onto the same place, and away from it
  EXPECT_TRUE(std::isnan(got.of("/geometry/curvature").rows[4]));
  EXPECT_TRUE(std::isnan(got.of("/geometry/straightness").rows[0]));  // it ends where it began
}

TEST(SampleStatistics, RelabelledPointsAreFarApart) {
  // Layers (0, 1) and (2, 3) exchanged, point 4 stays: places show 2, 3, 0, 1, 4.
  const SampleStatistics got = measure_path({{1, 0}, {2, 0}, {0, 4}, {0, 8}, {0, -3}}, {2, 3, 0, 1, 4});
  const double expected_velocity[] = {4, std::sqrt(65.0), 1, std::sqrt(13.0)};
  const double expected_cosine[] = {1, 0, 1, 0};
  for (int step = 0; step < 4; ++step) {
    EXPECT_DOUBLE_EQ(got.permuted_velocity.mean[step], expected_velocity[step]);
    EXPECT_DOUBLE_EQ(got.permuted_cosine.mean[step], expected_cosine[step]);
  }
}

TEST(SampleStatistics, RefusesWhatIsNoPermutation) {
  EXPECT_THROW(measure_path({{0, 1}, {1, 3}}, {0, 0}), core::Error);
  EXPECT_THROW(measure_path({{0, 1}, {1, 3}}, {0}), core::Error);
}

}  // namespace
}  // namespace orrery::statistics
