#include "orrery/statistics/unit_statistics.hpp"

#include "tests/statistics/data.hpp"
#include "tests/statistics/reference.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;

// N = 23 centred products in double: N · 2⁻⁵³ · a few, with room for the clamp and square roots.
constexpr double tolerance = 1e-12;

void expect_near(double value, double expected, double allowed) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(value)) << value;
  } else {
    EXPECT_NEAR(value, expected, allowed);
  }
}

UnitStatistics compute(const Communicator& ranks, const Data& data, at::ScalarType dtype = at::kFloat) {
  return unit_statistics(ranks, by_unit(ranks, testing::deal(ranks, data, dtype, 9), data.extent),
                         data.extent, 2);
}

void expect_columns(const UnitStatistics& got, const Data& data) {
  const std::int64_t units = std::ssize(got.units);
  const double* mean = got.mean.const_data_ptr<double>();
  const double* variance = got.variance.const_data_ptr<double>();
  const float* adjacent = got.adjacent_correlation.const_data_ptr<float>();
  for (std::int64_t s = 0; s < data.extent.points; ++s) {
    for (std::int64_t u = 0; u < units; ++u) {
      const std::int64_t d = got.units[u];
      const double expected = reference::mean(data, s, d);
      expect_near(mean[s * units + u], expected, 1e-14 * std::max(1.0, std::abs(expected)));
      const double spread = reference::variance(data, s, d);
      expect_near(variance[s * units + u], spread, tolerance * spread);
      if (s + 1 < data.extent.points) {  // stored as float32: half of its last digit
        expect_near(adjacent[s * units + u], reference::correlation(data, s, s + 1, d), 6e-8);
      }
    }
  }
}

void expect_means(const UnitStatistics& got, const Data& data) {
  const std::int64_t points = data.extent.points;
  for (std::int64_t s = 0; s < points; ++s) {
    for (std::int64_t t = 0; t < points; ++t) {
      std::int64_t count = 0;
      const double expected = reference::mean_correlation(data, s, t, &count);
      expect_near(got.correlation[s * points + t], expected, tolerance);
      EXPECT_EQ(got.correlation_units[s * points + t], count);
      if (s == t && count > 0) {
        EXPECT_EQ(got.correlation[s * points + t], 1);
      }
    }
    if (s + 1 < points) expect_near(got.residual_null[s], reference::residual_null(data, s), tolerance);
  }
}

/// The values without each block, against the same data with the block taken out.
void expect_left_out(const UnitStatistics& got, const Data& data, double allowed) {
  const std::int64_t samples = data.extent.samples;
  const std::int64_t blocks = samples < 3 ? 0 : std::min<std::int64_t>(samples, 10);
  const std::int64_t steps = data.extent.points - 1;
  ASSERT_EQ(std::ssize(got.adjacent_left_out), blocks * steps);
  for (std::int64_t block = 0; block < blocks; ++block) {
    const Data rest = data.without(block * samples / blocks, (block + 1) * samples / blocks);
    for (std::int64_t s = 0; s < steps; ++s) {
      expect_near(got.adjacent_left_out[block * steps + s], reference::mean_correlation(rest, s, s + 1),
                  allowed);
      expect_near(got.residual_null_left_out[block * steps + s], reference::residual_null(rest, s), allowed);
    }
  }
}

void expect_reference(const Data& data, at::ScalarType dtype) {
  const Communicator ranks = Communicator::world();
  const UnitStatistics got = compute(ranks, data, dtype);
  expect_columns(got, data);
  if (!ranks.is_root()) {
    EXPECT_TRUE(got.correlation.empty());
    return;
  }
  expect_means(got, data);
  expect_left_out(got, data, 10 * tolerance);  // one digit more for the mean, which moves with the block
}

TEST(UnitStatistics, AgreesWithThePlainFormulas) {
  for (const Extent& extent :
       {Extent{23, 7, 130}, {5, 3, 64}, {3, 3, 9}, {2, 3, 5}, {1, 5, 7}, {4, 1, 3}, {14, 3, 200}}) {
    expect_reference(testing::walk(extent, 21), at::kFloat);
    expect_reference(testing::noise(extent, 22), at::kDouble);
  }
}

TEST(UnitStatistics, TwoSamplesCorrelateFully) {
  // Unit 0 goes up, up, down from sample 0 to 1; unit 1 is constant at the middle point.
  Data data = testing::zeros({2, 3, 2});
  data.x = {0, 1, 5, 2, 1, 3, /* sample 1 */ 1, 4, 7, 2, 0, 9};
  const Communicator alone = Communicator::self();
  const UnitStatistics got = compute(alone, data);
  const float* adjacent = got.adjacent_correlation.const_data_ptr<float>();
  EXPECT_EQ(adjacent[0], 1);   // unit 0, points 0 and 1
  EXPECT_EQ(adjacent[2], -1);  // unit 0, points 1 and 2
  EXPECT_TRUE(std::isnan(adjacent[1]) && std::isnan(adjacent[3]));
  EXPECT_NEAR(got.correlation[0 * 3 + 1], 1, 3e-16);
  EXPECT_NEAR(got.correlation[0 * 3 + 2], 0, 3e-16);  // −1 and +1
  EXPECT_EQ(got.correlation_units[0 * 3 + 1], 1);
  EXPECT_EQ(got.correlation_units[0 * 3 + 2], 2);
  // Unit 0 spreads by 1 (σ² = 1/2), its step by 1 (5 − 0 and 7 − 1): 1/√2.
  EXPECT_DOUBLE_EQ(got.residual_null[0], std::sqrt(0.5));
}

/// Mean `level`, spread `spread`, as float32 holds them; neighbours correlate.
Data massive(double level, double spread) {
  Data data = testing::noise({500, 3, 2}, 31);
  for (std::int64_t n = 0; n < 500; ++n) {
    for (std::int64_t d = 0; d < 2; ++d) {
      data.at(n, 1, d) = 0.6 * data.at(n, 0, d) + 0.8 * data.at(n, 1, d);
      for (std::int64_t s = 0; s < 3; ++s) data.at(n, s, d) = level + spread * data.at(n, s, d);
    }
  }
  data.round_to_float();
  return data;
}

TEST(UnitStatistics, MassiveActivationsKeepTheirDigits) {
  const Communicator alone = Communicator::self();
  for (const auto& [level, spread] : {std::pair(300.0, 0.3), std::pair(3000.0, 0.01)}) {
    const Data data = massive(level, spread);
    const UnitStatistics got = compute(alone, data);
    for (std::int64_t s = 0; s < 3; ++s) {
      const double expected = reference::variance(data, s, 0);
      EXPECT_NEAR(got.variance.const_data_ptr<double>()[s * 2], expected, 1e-9 * expected);
      for (std::int64_t t = 0; t < 3; ++t) {
        EXPECT_NEAR(got.correlation[s * 3 + t], reference::mean_correlation(data, s, t), 1e-9);
      }
    }
    EXPECT_NEAR(got.correlation[1], 0.6, 0.1);  // the data is what it is meant to be
  }
}

TEST(UnitStatistics, ABlockWithAllOfTheSpreadCanBeLeftOut) {
  Data data = testing::noise({30, 3, 12}, 41);
  for (std::int64_t s = 0; s < 3; ++s) {
    data.at(4, s, 11) = 10000 + static_cast<double>(s);  // an outlier in the second block
    for (std::int64_t d = 0; d < 10; ++d) {              // constant but for the first
      for (std::int64_t n = 3; n < 30; ++n)
        data.at(n, s, d) = static_cast<float>(2.1 + 0.3 * static_cast<double>(d));
    }
  }
  const Communicator alone = Communicator::self();
  // Without the outlier the mean moves by 10⁴/30 spreads, whose square times 2⁻⁵³ is 1e-11.
  expect_left_out(compute(alone, data), data, 1e-9);
}

}  // namespace
}  // namespace orrery::statistics
