#include "orrery/statistics/shards.hpp"

#include "orrery/parallel/agreement.hpp"
#include "tests/statistics/data.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <tuple>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;

/// Extents with more ranks than samples, points or blocks of units, and units that don't fill their last
/// block.
const Extent extents[] = {{7, 5, 130}, {1, 3, 64}, {2, 1, 1}, {9, 9, 65}, {3, 2, 200}};

class Shards : public ::testing::TestWithParam<at::ScalarType> {};

template <class T>
void expect_units(const UnitShard& shard, const Data& data) {
  const T* x = shard.x.const_data_ptr<T>();
  for (const std::int64_t unit : shard.units) {
    for (std::int64_t s = 0; s < data.extent.points; ++s) {
      for (std::int64_t n = 0; n < data.extent.samples; ++n)
        ASSERT_EQ(*x++, static_cast<T>(data.at(n, s, unit)));
    }
  }
}

template <class T>
void expect_points(const PointShard& shard, const Data& data) {
  const T* x = shard.x.const_data_ptr<T>();
  for (const core::Point point : shard.points) {
    for (std::int64_t n = 0; n < data.extent.samples; ++n) {
      for (std::int64_t d = 0; d < data.extent.units; ++d) {
        ASSERT_EQ(*x++, static_cast<T>(data.at(n, point.value(), d)));
      }
    }
  }
}

TEST_P(Shards, HoldEveryNumberInItsPlace) {
  const Communicator ranks = Communicator::world();
  for (const Extent& extent : extents) {
    for (const std::uint64_t seed : {0, 1, 2}) {
      const Data data = testing::noise(extent, 5);
      const SampleShard rows = testing::deal(ranks, data, GetParam(), seed);
      const UnitShard units = by_unit(ranks, rows, extent);
      const PointShard points = by_point(ranks, rows, extent);
      EXPECT_EQ(ranks.sum(std::ssize(units.units)), extent.units);
      EXPECT_EQ(ranks.sum(std::ssize(points.points)), extent.points);
      for (const std::int64_t unit : units.units) EXPECT_EQ(unit / unit_block % ranks.size(), ranks.rank());
      const std::int64_t first = extent.points * ranks.rank() / ranks.size();
      for (std::size_t p = 0; p < points.points.size(); ++p) {
        EXPECT_EQ(points.points[p].value(), first + static_cast<std::int64_t>(p));
      }
      if (GetParam() == at::kFloat) {
        expect_units<float>(units, data);
        expect_points<float>(points, data);
      } else {
        expect_units<double>(units, data);
        expect_points<double>(points, data);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, Shards, ::testing::Values(at::kFloat, at::kDouble));

TEST(ShardErrors, AllRanksSayThatASampleIsMissingOrTwiceThere) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::noise({4, 2, 3}, 1);
  SampleShard rows = testing::deal(ranks, data, at::kFloat, 0);
  EXPECT_THROW(by_unit(ranks, rows, {5, 2, 3}), parallel::AgreedError);
  for (core::Sample& sample : rows.samples) sample = core::Sample(0);
  EXPECT_THROW(by_point(ranks, rows, data.extent), parallel::AgreedError);
}

TEST(ShardErrors, AllRanksSayThatOneHasAnotherShapeOrDtype) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::noise({4, 2, 3}, 1);
  const at::ScalarType odd = ranks.is_root() ? at::kDouble : at::kFloat;
  const SampleShard mixed = testing::deal(ranks, data, odd, 0);
  if (ranks.size() > 1) {
    EXPECT_THROW(by_unit(ranks, mixed, data.extent), parallel::AgreedError);
  }
  SampleShard short_rows = testing::deal(ranks, data, at::kFloat, 0);
  if (ranks.is_root()) short_rows.x = short_rows.x.narrow(1, 0, 1);
  EXPECT_THROW(by_point(ranks, short_rows, data.extent), parallel::AgreedError);
}

TEST(FindFault, NamesStreamsThatOverflowTheNorms) {
  const Communicator alone = Communicator::self();
  Data data = testing::noise({13, 8, 5}, 1);
  const auto found = [&](double value, at::ScalarType dtype, at::ScalarType norms) {
    data.at(12, 7, 4) = value;
    return find_fault(testing::deal(alone, data, dtype, 3), longest_stream(norms));
  };
  EXPECT_FALSE(found(1e19, at::kFloat, at::kFloat));
  EXPECT_FALSE(found(1e30, at::kFloat, at::kDouble));
  EXPECT_FALSE(found(8e37, at::kDouble, at::kDouble));
  for (const auto& [value, dtype, norms] : {std::tuple(2e19, at::kFloat, at::kFloat),
                                            {1e38, at::kFloat, at::kDouble},
                                            {1e200, at::kDouble, at::kDouble}}) {
    const auto fault = found(value, dtype, norms);
    ASSERT_TRUE(fault && fault->is_finite) << value;
    EXPECT_TRUE(fault->seen.starts_with("sample 12, point 7, beyond a length of ")) << fault->seen;
  }
}

TEST(FindFault, NamesSampleAndPoint) {
  const Communicator alone = Communicator::self();
  Data data = testing::noise({13, 8, 5}, 1);
  EXPECT_FALSE(find_fault(testing::deal(alone, data, at::kFloat, 3)));
  const auto words = [&](double value, at::ScalarType dtype) {
    data.at(12, 7, 4) = value;
    const auto fault = find_fault(testing::deal(alone, data, dtype, 3));
    EXPECT_TRUE(fault && !fault->is_finite);
    return fault ? fault->seen : "nothing";
  };
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    EXPECT_EQ(words(std::nan(""), dtype), "NaN at sample 12, point 7");
    EXPECT_EQ(words(-std::numeric_limits<double>::infinity(), dtype), "infinity at sample 12, point 7");
  }
}

}  // namespace
}  // namespace orrery::statistics
