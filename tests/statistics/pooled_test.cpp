#include "orrery/statistics/pooled.hpp"

#include "orrery/core/error.hpp"
#include "tests/statistics/data.hpp"
#include "tests/statistics/eigenvectors.hpp"
#include "tests/statistics/reference.hpp"

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;

PointShard shard_of(const Communicator& ranks, const Data& data, at::ScalarType dtype = at::kFloat) {
  return by_point(ranks, testing::deal(ranks, data, dtype, 5), data.extent);
}

/// The plain means (p, D) of a shard's points.
at::Tensor means_of(const PointShard& shard, const Data& data) {
  at::Tensor mean = at::empty({std::ssize(shard.points), data.extent.units}, at::kDouble);
  for (std::size_t p = 0; p < shard.points.size(); ++p) {
    for (std::int64_t d = 0; d < data.extent.units; ++d) {
      mean.mutable_data_ptr<double>()[p * data.extent.units + d] =
          reference::mean(data, shard.points[p].value(), d);
    }
  }
  return mean;
}

PooledComponents compute(const Communicator& ranks, const Data& data, std::int64_t components,
                         int threads = 2, at::ScalarType dtype = at::kFloat) {
  const PointShard shard = shard_of(ranks, data, dtype);
  const at::Tensor mean = pooled_mean(ranks, means_of(shard, data));
  return pooled_components(ranks, data.extent, std::ssize(shard.points), scatter_of_rows(shard, mean), mean,
                           components, threads);
}

/// The same from the points' own means and plain scatter matrices.
PooledComponents from_moments(const Communicator& ranks, const Data& data, std::int64_t components) {
  const PointShard shard = shard_of(ranks, data);
  const at::Tensor means = means_of(shard, data);
  const at::Tensor mean = pooled_mean(ranks, means);
  const std::int64_t units = data.extent.units;
  std::vector<at::Tensor> scatter;
  for (const core::Point point : shard.points) {
    scatter.push_back(at::empty({units, units}, at::kDouble));
    const Eigen::MatrixXd matrix =
        static_cast<double>(data.extent.samples - 1) * reference::Covariance(data, point.value()).matrix;
    std::copy_n(matrix.data(), matrix.size(), scatter.back().mutable_data_ptr<double>());
  }
  const auto own = [&](std::int64_t place, std::int64_t first, std::int64_t height) {
    return scatter[place].narrow(0, first, height).narrow(1, first, units - first);
  };
  return pooled_components(ranks, data.extent, std::ssize(shard.points),
                           scatter_of_moments(own, means, data.extent.samples, mean), mean, components, 2);
}

void expect_same_bits(const PooledComponents& got, const PooledComponents& expected) {
  EXPECT_TRUE(testing::same_bits(got.mean, expected.mean));
  EXPECT_TRUE(testing::same_bits(got.eigenvalue, expected.eigenvalue));
  EXPECT_TRUE(testing::same_bits(got.component, expected.component));
}

/// All points' rows as those of a single one, analysed plainly.
void expect_reference(const PooledComponents& got, const Data& data, std::int64_t components) {
  const Extent& extent = data.extent;
  const Data flat{{extent.samples * extent.points, 1, extent.units}, data.x};
  const std::int64_t values = std::min(flat.extent.samples - 1, extent.units);
  ASSERT_EQ(got.eigenvalue.numel(), values);
  ASSERT_EQ(got.component.size(0), std::min(components, values));
  for (std::int64_t d = 0; d < extent.units; ++d) {
    const double mean = reference::mean(flat, 0, d);
    EXPECT_NEAR(got.mean.const_data_ptr<double>()[d], mean, 1e-14 * std::max(1.0, std::abs(mean)));
  }
  const reference::Covariance covariance(flat, 0);
  const double* eigenvalue = got.eigenvalue.const_data_ptr<double>();
  std::int64_t rank = 0;
  for (std::int64_t i = 0; i < values; ++i) {
    EXPECT_NEAR(eigenvalue[i], covariance.eigenvalue(i), testing::tolerance * covariance.eigenvalue(0));
    rank += eigenvalue[i] > 0 ? 1 : 0;
  }
  EXPECT_TRUE(std::is_sorted(eigenvalue, eigenvalue + values, std::greater<>()));
  testing::expect_eigenvectors(got.component.const_data_ptr<double>(), eigenvalue, got.component.size(0),
                               rank, covariance.matrix);
}

const std::vector<Extent> extents = {{23, 5, 60},  {4, 3, 40},  {130, 3, 20},
                                     {20, 3, 150}, {300, 3, 9}, {1, 3, 6}};

TEST(Pooled, AgreesWithThePlainCovariance) {
  const Communicator ranks = Communicator::world();
  for (const Extent& extent : extents) {
    const Data data = testing::walk(extent, 91);
    expect_reference(compute(ranks, data, 8), data, 8);
    const Data plain = testing::noise(extent, 92);
    expect_reference(compute(ranks, plain, 30, 1, at::kDouble), plain, 30);
  }
}

TEST(Pooled, MomentsGiveTheSame) {
  const Communicator ranks = Communicator::world();
  for (const Extent& extent : extents) {
    if (extent.samples < 2) continue;
    const Data data = testing::walk(extent, 93);
    expect_reference(from_moments(ranks, data, 8), data, 8);
  }
}

TEST(Pooled, SameBitsForAnyRanksAndThreads) {
  const Communicator ranks = Communicator::world();
  const Communicator alone = Communicator::self();
  for (const Extent& extent : extents) {
    const Data data = testing::walk(extent, 94);
    const PooledComponents expected = compute(alone, data, 8, 1);
    for (const int threads : {1, 3}) expect_same_bits(compute(ranks, data, 8, threads), expected);
    if (extent.samples > 1) expect_same_bits(from_moments(ranks, data, 8), from_moments(alone, data, 8));
  }
}

TEST(Pooled, PointsMayComeInSeveralGoes) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::walk({30, 7, 140}, 95);
  const PooledComponents expected = compute(Communicator::self(), data, 8);
  PooledScatter scatter(ranks, data.extent.units);
  for (const auto& [begin, end] : {std::pair(0, 3), std::pair(3, 4), std::pair(4, 7)}) {
    const PointShard shard = shard_of(ranks, data.points(begin, end));
    scatter.add(std::ssize(shard.points), scatter_of_rows(shard, expected.mean), 2);
  }
  expect_same_bits(scatter.components(expected.mean, 30 * 7, 8), expected);
}

TEST(Pooled, EqualRowsHaveRankZero) {
  const Communicator ranks = Communicator::world();
  Data data = testing::zeros({5, 3, 4});
  std::fill(data.x.begin(), data.x.end(), 0.1);
  const PooledComponents got = compute(ranks, data, 2, 1, at::kDouble);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(got.eigenvalue.const_data_ptr<double>()[i], 0);
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(std::isnan(got.component.const_data_ptr<double>()[i]));
}

TEST(Pooled, FewDistinctRowsHaveThatRank) {
  const Communicator ranks = Communicator::world();
  Data data = testing::noise({12, 3, 20}, 96);
  for (std::int64_t n = 0; n < 12; ++n) {
    for (std::int64_t s = 0; s < 3; ++s) {
      for (std::int64_t d = 0; d < 20; ++d) data.at(n, s, d) = data.at((n + s) % 4, 0, d);
    }
  }
  const PooledComponents got = compute(ranks, data, 8);
  expect_reference(got, data, 8);
  EXPECT_GT(got.eigenvalue.const_data_ptr<double>()[2], 0);
  EXPECT_EQ(got.eigenvalue.const_data_ptr<double>()[3], 0);  // four places, less their mean
}

TEST(Pooled, OneRowAtOnePointHasNoSpectrum) {
  const PooledComponents got = compute(Communicator::self(), testing::noise({1, 1, 6}, 1), 4);
  EXPECT_EQ(got.eigenvalue.numel(), 0);
  EXPECT_EQ(got.component.size(0), 0);
}

TEST(Pooled, AFailureOnOneRankIsAnErrorOnAll) {
  const Communicator ranks = Communicator::world();
  const PointShard shard = shard_of(ranks, testing::noise({4, 3, 200}, 1));
  const auto fails = [&](std::int64_t place, std::int64_t, std::int64_t) -> at::Tensor {
    throw core::resource_error("no memory for a panel", std::to_string(place), "use more ranks");
  };
  PooledScatter scatter(ranks, 200);
  EXPECT_THROW(scatter.add(std::ssize(shard.points), fails, 2), core::Error);
}

}  // namespace
}  // namespace orrery::statistics
