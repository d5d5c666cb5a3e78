#include "orrery/statistics/point_controls.hpp"

#include "orrery/core/error.hpp"
#include "tests/statistics/data.hpp"
#include "tests/statistics/reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;

/// Rows of each point in an order of its own.
RowsShown shuffled(std::int64_t samples) {
  return [samples](core::Point point) {
    std::vector<std::int64_t> rows(samples);
    std::iota(rows.begin(), rows.end(), 0);
    std::shuffle(rows.begin(), rows.end(), std::mt19937_64(17 + point.value()));
    return rows;
  };
}

StepMeans compute(const Communicator& ranks, const Data& data, const RowsShown& shown, int threads = 2,
                  at::ScalarType dtype = at::kFloat) {
  const PointShard shard = by_point(ranks, testing::deal(ranks, data, dtype, 5), data.extent);
  return sample_permuted_steps(ranks, shard, shown, threads);
}

/// The data with its rows permuted at each point.
Data permuted(const Data& data, const RowsShown& shown) {
  Data result = data;
  for (std::int64_t s = 0; s < data.extent.points; ++s) {
    const std::vector<std::int64_t> rows = shown(core::Point(s));
    for (std::int64_t n = 0; n < data.extent.samples; ++n) {
      for (std::int64_t d = 0; d < data.extent.units; ++d) result.at(n, s, d) = data.at(rows[n], s, d);
    }
  }
  return result;
}

/// Sums of at most 130 terms and 23 rows: relative error below a few hundred · 2⁻⁵³.
void expect_near(double value, double expected) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(value)) << value;
  } else {
    EXPECT_NEAR(value, expected, 1e-12 * std::max(1.0, std::abs(expected)));
  }
}

void expect_reference(const Data& data, at::ScalarType dtype) {
  const Communicator ranks = Communicator::world();
  const RowsShown shown = shuffled(data.extent.samples);
  const StepMeans got = compute(ranks, data, shown, 2, dtype);
  if (!ranks.is_root()) {
    EXPECT_TRUE(got.cosine.empty() && got.velocity.empty());
    return;
  }
  const Data plain = permuted(data, shown);
  ASSERT_EQ(std::ssize(got.cosine), data.extent.points - 1);
  ASSERT_EQ(std::ssize(got.velocity), data.extent.points - 1);
  for (std::int64_t s = 0; s + 1 < data.extent.points; ++s) {
    expect_near(got.cosine[s], reference::row_mean(plain, reference::cosine, s));
    expect_near(got.velocity[s], reference::row_mean(plain, reference::velocity, s));
  }
}

TEST(PointControls, AgreesWithThePlainFormulas) {
  for (const Extent& extent : {Extent{23, 7, 130}, {5, 3, 64}, {2, 3, 5}, {1, 5, 7}, {4, 1, 3}, {6, 3, 1}}) {
    expect_reference(testing::walk(extent, 21), at::kFloat);
    expect_reference(testing::noise(extent, 22), at::kDouble);
  }
}

TEST(PointControls, LeavesOutZeroVectors) {
  Data data = testing::noise({6, 4, 8}, 3);
  for (std::int64_t d = 0; d < 8; ++d) {
    data.at(2, 1, d) = 0;
    for (std::int64_t n = 0; n < 6; ++n) data.at(n, 3, d) = 0;
  }
  expect_reference(data, at::kFloat);
}

TEST(PointControls, HandMadeExchange) {
  // Two rows that stay where they are, but the second point shows them exchanged.
  Data data = testing::zeros({2, 2, 2});
  for (std::int64_t s = 0; s < 2; ++s) {
    data.at(0, s, 0) = 3;
    data.at(1, s, 1) = 4;
  }
  const auto shown = [](core::Point point) {
    return point.value() == 0 ? std::vector<std::int64_t>{0, 1} : std::vector<std::int64_t>{1, 0};
  };
  const StepMeans got = compute(Communicator::self(), data, shown);
  EXPECT_DOUBLE_EQ(got.velocity[0], 5);
  EXPECT_DOUBLE_EQ(got.cosine[0], 0);
}

TEST(PointControls, SameBitsForAnyRanksAndThreads) {
  const Communicator ranks = Communicator::world();
  for (const Extent& extent : {Extent{40, 9, 70}, {11, 3, 33}}) {
    const Data data = testing::walk(extent, 23);
    const StepMeans expected = compute(Communicator::self(), data, shuffled(extent.samples), 1);
    for (const int threads : {1, 3}) {
      const StepMeans got = compute(ranks, data, shuffled(extent.samples), threads);
      if (!ranks.is_root()) continue;
      EXPECT_EQ(got.cosine, expected.cosine);
      EXPECT_EQ(got.velocity, expected.velocity);
    }
  }
}

TEST(PointControls, RefusesWhatIsNoPermutation) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::noise({3, 3, 4}, 1);
  for (const std::vector<std::int64_t>& rows :
       {std::vector<std::int64_t>{0, 1}, {0, 1, 1}, {0, 1, 3}, {-1, 0, 1}}) {
    EXPECT_THROW(compute(ranks, data, [&](core::Point) { return rows; }), core::Error);
  }
}

}  // namespace
}  // namespace orrery::statistics
