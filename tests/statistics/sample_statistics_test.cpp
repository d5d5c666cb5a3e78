#include "orrery/statistics/sample_statistics.hpp"

#include "tests/statistics/data.hpp"
#include "tests/statistics/reference.hpp"

#include <gtest/gtest.h>

#include <cmath>

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

void expect_reference(const Data& data, at::ScalarType dtype, std::uint64_t seed) {
  const Communicator ranks = Communicator::world();
  const SampleShard rows = testing::deal(ranks, data, dtype, seed);
  const SampleStatistics got = sample_statistics(ranks, rows, data.extent, 2);
  if (!ranks.is_root()) {
    EXPECT_TRUE(got.norm.rows.empty());
    return;
  }
  const std::int64_t points = data.extent.points;
  expect_series(got.cosine, data, reference::cosine, points - 1);
  expect_series(got.velocity, data, reference::velocity, points - 1);
  expect_series(got.relative_velocity, data, reference::relative_velocity, points - 1);
  expect_series(got.norm, data, reference::norm, points);
  expect_series(got.abs, data, reference::mean_abs, points);
  expect_series(got.active, data, reference::active, points);
  expect_series(got.hoyer, data, reference::hoyer, points);
  expect_series(got.kurtosis, data, reference::kurtosis, points);
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
      sample_statistics(alone, testing::deal(alone, data, at::kFloat, 0), data.extent, 1);
  EXPECT_DOUBLE_EQ(got.norm.mean[0], 5);
  EXPECT_DOUBLE_EQ(got.abs.mean[0], 7.0 / 4);
  EXPECT_DOUBLE_EQ(got.active.mean[0], 0.5);
  EXPECT_DOUBLE_EQ(got.active.mean[1], 0.5);
  EXPECT_DOUBLE_EQ(got.hoyer.mean[0], 2 - 7.0 / 5);
  EXPECT_NEAR(got.velocity.mean[0], std::sqrt(16.01), 1e-8);
  EXPECT_NEAR(got.relative_velocity.mean[0], std::sqrt(16.01) / 5, 1e-8);
  EXPECT_NEAR(got.cosine.mean[0], 9 / (5 * std::sqrt(9.01)), 1e-9);
  EXPECT_TRUE(std::isnan(got.velocity.standard_deviation[0]));  // one row has no spread
}

}  // namespace
}  // namespace orrery::statistics
