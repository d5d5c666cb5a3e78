#include "orrery/statistics/controls.hpp"

#include "orrery/core/random.hpp"
#include "tests/statistics/reference.hpp"
#include "tests/statistics/unit_reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;

constexpr std::uint64_t seed = 23;
constexpr double tolerance = 1e-11;

UnitShard unit_shard(const Communicator& ranks, const Data& data, at::ScalarType dtype = at::kFloat) {
  return by_unit(ranks, testing::deal(ranks, data, dtype, 6), data.extent);
}

/// Data whose numbers are those of rows (N, P, D) that one rank has, in order.
Data data_of(const SampleShard& rows, const Extent& extent) {
  Data data = testing::zeros(extent);
  const at::Tensor x = rows.x.to(at::kDouble);
  std::copy_n(x.const_data_ptr<double>(), data.x.size(), data.x.begin());
  return data;
}

void expect_correlation(const UnitControl& got, const Data& data, double allowed = tolerance) {
  const std::int64_t points = data.extent.points;
  ASSERT_EQ(std::ssize(got.correlation), points * points);
  for (std::int64_t s = 0; s < points; ++s) {
    for (std::int64_t t = 0; t < points; ++t) {
      const double expected = reference::mean_correlation(data, s, t);
      const double value = got.correlation[s * points + t];
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(value));
      } else {
        EXPECT_NEAR(value, expected, allowed);
      }
    }
  }
}

void expect_mean_turns(const UnitControl& got, const Data& data, double allowed = tolerance) {
  ASSERT_EQ(std::ssize(got.turns), data.extent.units);
  for (std::int64_t d = 0; d < data.extent.units; ++d) {
    EXPECT_NEAR(got.turns[d], reference::turns(reference::mean_trajectory(data, d)), allowed);
  }
}

void expect_same(const UnitControl& one, const UnitControl& other) {
  EXPECT_TRUE(testing::same_bits(one.correlation, other.correlation));
  EXPECT_TRUE(testing::same_bits(one.turns, other.turns));
}

/// Places shuffled as core::Random's stream says, by hand.
std::vector<std::int64_t> shuffled(std::int64_t count, core::Random random) {
  std::vector<std::int64_t> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(i);
  for (std::int64_t i = count - 1; i > 0; --i) {
    std::swap(values[i], values[random.below(static_cast<std::uint32_t>(i + 1))]);
  }
  return values;
}

TEST(Controls, PermutationsAreKeyed) {
  for (std::uint32_t point = 0; point < 5; ++point) {
    EXPECT_EQ(permuted_samples(seed, point, 40),
              shuffled(40, core::Random(seed, core::Purpose::sample_permutation, point)));
  }
  EXPECT_NE(permuted_samples(seed, 0, 40), permuted_samples(seed, 1, 40));
  const std::vector<std::int64_t> layers = shuffled(6, core::Random(seed, core::Purpose::layer_permutation));
  const std::vector<std::int64_t> points = permuted_layers(seed, orrery::test::two_points_a_layer(6));
  ASSERT_EQ(points.size(), 13);
  for (std::int64_t layer = 0; layer < 6; ++layer) {
    EXPECT_EQ(points[2 * layer], 2 * layers[layer]);
    EXPECT_EQ(points[2 * layer + 1], 2 * layers[layer] + 1);
  }
  EXPECT_EQ(points[12], 12);
  EXPECT_FALSE(std::ranges::is_sorted(points));
  EXPECT_EQ(permuted_layers(seed, core::PointMap()), std::vector<std::int64_t>{0});
  std::vector<std::int64_t> single = layers;  // of one point a layer
  single.push_back(6);
  EXPECT_EQ(permuted_layers(seed, core::PointMap::of_layers(6, {core::PointKind::pre_block})), single);
}

TEST(Controls, TheBasisIsThatOfItsNormalNumbers) {
  for (const std::int64_t units : {1, 5, 40}) {
    const at::Tensor basis = random_basis(units, seed);
    const double* q = basis.const_data_ptr<double>();
    std::vector<double> normal;
    for (std::int64_t row = 0; row < units; ++row) {
      core::Random random(seed, core::Purpose::basis, static_cast<std::uint32_t>(row));
      for (std::int64_t column = 0; column < units; ++column) normal.push_back(random.normal());
    }
    const auto product = [&](const double* other, std::int64_t i, std::int64_t j) {
      double sum = 0;
      for (std::int64_t k = 0; k < units; ++k) sum += q[k * units + i] * other[k * units + j];
      return sum;
    };
    for (std::int64_t i = 0; i < units; ++i) {
      for (std::int64_t j = 0; j < units; ++j) {
        EXPECT_NEAR(product(q, i, j), i == j ? 1 : 0, 1e-14);
        if (j < i) {
          EXPECT_NEAR(product(normal.data(), i, j), 0, 1e-13);
        }
      }
      EXPECT_GT(product(normal.data(), i, i), 0);
    }
    EXPECT_TRUE(basis.equal(random_basis(units, seed)));
  }
}

TEST(Controls, RowsAreRotated) {
  const Communicator alone = Communicator::self();
  const Data data = testing::walk({7, 19, 40}, 81);
  const at::Tensor basis = random_basis(40, seed);
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    const SampleShard rows = testing::deal(alone, data, dtype, 0);
    const SampleShard rotated = rotate(rows, basis, 2);
    EXPECT_EQ(rotated.x.scalar_type(), dtype);
    EXPECT_EQ(rotated.samples, rows.samples);
    const Data got = data_of(rotated, data.extent);
    for (std::int64_t n = 0; n < 7; ++n) {
      for (std::int64_t s = 0; s < 19; ++s) {
        for (std::int64_t d = 0; d < 40; ++d) {
          double expected = 0;
          for (std::int64_t k = 0; k < 40; ++k)
            expected += data.at(n, s, k) * basis.const_data_ptr<double>()[k * 40 + d];
          // Numbers near 300: half of the last digit of float32 there, or 40 roundings.
          EXPECT_NEAR(got.at(n, s, d), expected, dtype == at::kFloat ? 1.6e-5 : 1e-12);
        }
      }
    }
  }
}

TEST(Controls, ARowsBitsDontDependOnItsRank) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::walk({23, 19, 100}, 82);
  const at::Tensor basis = random_basis(100, seed);
  const SampleShard rotated = rotate(testing::deal(ranks, data, at::kDouble, 6), basis, 3);
  const SampleShard alone = rotate(testing::deal(Communicator::self(), data, at::kDouble, 0), basis, 1);
  for (std::size_t row = 0; row < rotated.samples.size(); ++row) {
    EXPECT_TRUE(rotated.x[static_cast<std::int64_t>(row)].equal(alone.x[rotated.samples[row].value()]));
  }
}

TEST(Controls, EqualStreamsHaveEqualBitsAtEveryPoint) {
  for (const Extent& extent : {Extent{1, 203, 100}, {1, 61, 576}, {1, 19, 100}}) {
    Data data = testing::noise(extent, 87);
    for (std::int64_t s = 1; s < extent.points; ++s) {
      for (std::int64_t d = 0; d < extent.units; ++d) data.at(0, s, d) = data.at(0, 0, d);
    }
    const SampleShard rows = testing::deal(Communicator::self(), data, at::kDouble, 0);
    const at::Tensor rotated = rotate(rows, random_basis(extent.units, seed), 1).x[0];
    for (std::int64_t s = 1; s < extent.points; ++s) EXPECT_TRUE(rotated[s].equal(rotated[0])) << s;
  }
}

TEST(Controls, SamplePermuted) {
  const Communicator ranks = Communicator::world();
  for (const Extent& extent : {Extent{23, 13, 130}, {2, 5, 3}, {1, 5, 3}}) {
    const Data data = testing::walk(extent, 83);
    const UnitControl got = sample_permuted_units(ranks, unit_shard(ranks, data), extent, seed, 2);
    if (!ranks.is_root()) {
      EXPECT_TRUE(got.correlation.empty() && got.turns.empty());
      continue;
    }
    Data permuted = data;
    for (std::int64_t s = 0; s < extent.points; ++s) {
      const std::vector<std::int64_t> shown = permuted_samples(seed, s, extent.samples);
      for (std::int64_t n = 0; n < extent.samples; ++n) {
        for (std::int64_t d = 0; d < extent.units; ++d) permuted.at(n, s, d) = data.at(shown[n], s, d);
      }
    }
    expect_correlation(got, permuted);
    for (std::int64_t d = 0; d < extent.units; ++d) {
      double sum = 0;
      for (std::int64_t n = 0; n < extent.samples; ++n)
        sum += reference::turns(reference::sample_trajectory(permuted, n, d));
      EXPECT_NEAR(got.turns[d], sum / static_cast<double>(extent.samples), tolerance);
    }
    const Communicator alone = Communicator::self();
    expect_same(got, sample_permuted_units(alone, unit_shard(alone, data), extent, seed, 1));
  }
}

TEST(Controls, RandomBasis) {
  const Communicator ranks = Communicator::world();
  const Communicator alone = Communicator::self();
  const Extent extent{23, 13, 130};
  const Data data = testing::walk(extent, 84);
  const at::Tensor basis = random_basis(extent.units, seed);
  const SampleShard rows = rotate(testing::deal(ranks, data, at::kDouble, 6), basis, 2);
  const UnitControl got = random_basis_units(ranks, by_unit(ranks, rows, extent), extent, 2);
  if (!ranks.is_root()) {
    EXPECT_TRUE(got.correlation.empty() && got.turns.empty());
    return;
  }
  const SampleShard own = rotate(testing::deal(alone, data, at::kDouble, 0), basis, 1);
  expect_correlation(got, data_of(own, extent), 1e-10);  // a massive unit is in every direction now
  expect_mean_turns(got, data_of(own, extent), 1e-10);
  expect_same(got, random_basis_units(alone, by_unit(alone, own, extent), extent, 1));
}

TEST(Controls, LayerPermuted) {
  const Communicator ranks = Communicator::world();
  for (const Extent& extent : {Extent{23, 13, 130}, {5, 3, 3}, {5, 1, 3}}) {
    const Data data = testing::walk(extent, 85);
    const UnitStatistics units = unit_statistics(ranks, unit_shard(ranks, data), extent, 2);
    const UnitControl got = layer_permuted_units(ranks, units, extent, testing::points_of(extent), seed, 2);
    if (!ranks.is_root()) {
      EXPECT_TRUE(got.correlation.empty() && got.turns.empty());
      continue;
    }
    const std::vector<std::int64_t> shown = permuted_layers(seed, testing::points_of(extent));
    Data relabelled = data;
    for (std::int64_t n = 0; n < extent.samples; ++n) {
      for (std::int64_t s = 0; s < extent.points; ++s) {
        for (std::int64_t d = 0; d < extent.units; ++d) relabelled.at(n, s, d) = data.at(n, shown[s], d);
      }
    }
    expect_correlation(got, relabelled);
    expect_mean_turns(got, relabelled);
  }
}

}  // namespace
}  // namespace orrery::statistics
