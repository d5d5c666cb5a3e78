#include "orrery/statistics/quanta.hpp"

#include "orrery/core/error.hpp"
#include "tests/statistics/data.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;

Extremes extremes_of(const Communicator& ranks, const Data& data, std::uint64_t seed,
                     at::ScalarType dtype = at::kFloat) {
  Extremes extremes(data.extent);
  const SampleShard shard = testing::deal(ranks, data, dtype, seed);
  const std::int64_t half = shard.x.size(0) / 2;
  extremes.add(shard.x.narrow(0, half, shard.x.size(0) - half), 2);
  extremes.add(shard.x.narrow(0, 0, half), 1);
  return extremes;
}

double least(const Data& data, std::int64_t s, std::int64_t d) {
  double value = data.at(0, s, d);
  for (std::int64_t n = 1; n < data.extent.samples; ++n) value = std::min(value, data.at(n, s, d));
  return value;
}

double greatest(const Data& data, std::int64_t s, std::int64_t d) {
  double value = data.at(0, s, d);
  for (std::int64_t n = 1; n < data.extent.samples; ++n) value = std::max(value, data.at(n, s, d));
  return value;
}

/// How far the farthest value is from the shift, in quanta.
double farthest(const Data& data, const Quanta& quanta, std::int64_t s, std::int64_t d) {
  const double shift = quanta.shift(s)[d];
  return std::max(greatest(data, s, d) - shift, shift - least(data, s, d)) / quanta.scale(s)[d];
}

void expect_powers_of_two(const Quanta& quanta) {
  for (std::int64_t i = 0; i < quanta.scale().numel(); ++i) {
    int exponent = 0;
    EXPECT_EQ(std::frexp(quanta.scale().const_data_ptr<double>()[i], &exponent), 0.5);
  }
}

TEST(Extremes, AreThoseOfAllRanksRows) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::walk({29, 5, 40}, 3);
  Extremes extremes = extremes_of(ranks, data, 7);
  extremes.reduce(ranks);
  for (std::int64_t s = 0; s < 5; ++s) {
    for (std::int64_t d = 0; d < 40; ++d) {
      EXPECT_EQ(extremes.least(s, d), least(data, s, d));
      EXPECT_EQ(extremes.greatest(s, d), greatest(data, s, d));
      EXPECT_EQ(extremes.varies(s, d), !(d == 1 && s % 2 == 1));
    }
  }
}

TEST(Extremes, ZerosHaveOneSign) {
  Data data = testing::zeros({2, 1, 2});
  data.x = {0.0, -0.0, -0.0, -0.0};
  const Communicator alone = Communicator::self();
  const Extremes extremes = extremes_of(alone, data, 0);
  for (std::int64_t d = 0; d < 2; ++d) {
    EXPECT_FALSE(std::signbit(extremes.least(0, d)) || std::signbit(extremes.greatest(0, d)));
    EXPECT_FALSE(extremes.varies(0, d));
  }
}

TEST(Quanta, OfAPilotHoldItsLargestValuesFinely) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::walk({29, 5, 41}, 4);
  const Quanta quanta = Quanta::of_pilot(ranks, extremes_of(ranks, data, 7));
  EXPECT_FALSE(quanta.finest());
  expect_powers_of_two(quanta);
  for (std::int64_t s = 0; s < 5; ++s) {
    std::vector<double> half;
    for (std::int64_t d = 0; d < 41; ++d) half.push_back((greatest(data, s, d) - least(data, s, d)) / 2);
    std::vector<double> sorted = half;
    std::nth_element(sorted.begin(), sorted.begin() + 20, sorted.end());
    for (std::int64_t d = 0; d < 41; ++d) {
      EXPECT_DOUBLE_EQ(quanta.shift(s)[d], (greatest(data, s, d) + least(data, s, d)) / 2);
      EXPECT_LE(farthest(data, quanta, s, d), 0x1p24);
      if (half[d] >= sorted[20]) {
        EXPECT_GE(farthest(data, quanta, s, d), 0x1p23 * (1 - 1e-15));
      } else {  // as the median unit
        EXPECT_LE(quanta.scale(s)[d], sorted[20] * 0x1p-23);
        EXPECT_GE(quanta.scale(s)[d], sorted[20] * 0x1p-24);
      }
    }
  }
}

TEST(Quanta, OfAllRowsAreFinerAndKnowNoFloor) {
  const Communicator ranks = Communicator::world();
  Data data = testing::walk({29, 5, 41}, 4);
  for (std::int64_t n = 0; n < 29; ++n) data.at(n, 2, 3) = 5 + 0x1p-18 * static_cast<double>(n % 2);
  const Quanta quanta = Quanta::of_all_rows(ranks, extremes_of(ranks, data, 7));
  EXPECT_TRUE(quanta.finest());
  expect_powers_of_two(quanta);
  for (std::int64_t s = 0; s < 5; ++s) {
    for (std::int64_t d = 0; d < 41; ++d) {
      const double far = farthest(data, quanta, s, d);
      if (d == 1 && s % 2 == 1) {
        EXPECT_EQ(far, 0);
        continue;
      }
      EXPECT_LE(far, 0x1p24);
      EXPECT_GE(far, 0x1p23 * (1 - 1e-15));
    }
  }
}

TEST(Quanta, APointThatIsConstantInThePilotGoesBySizes) {
  const Communicator ranks = Communicator::world();
  Data data = testing::zeros({3, 2, 3});
  for (std::int64_t n = 0; n < 3; ++n) {
    for (const auto& [d, value] : {std::pair(0, 3000.0), std::pair(1, -0.1), std::pair(2, 0.0)}) {
      data.at(n, 0, d) = static_cast<float>(value);
    }
  }
  const Quanta quanta = Quanta::of_pilot(ranks, extremes_of(ranks, data, 7));
  EXPECT_EQ(quanta.shift(0)[0], 3000);
  EXPECT_NEAR(std::log2(3000 / quanta.scale(0)[0]), 23.5, 0.5);
  EXPECT_NEAR(std::log2(0.1 / quanta.scale(0)[1]), 23.5, 0.5);
  EXPECT_EQ(quanta.scale(0)[2], quanta.scale(0)[1]);  // the median unit's
  EXPECT_EQ(quanta.scale(1)[0], 0x1p-40);             // where all is 0
}

TEST(Quanta, AMinorityThatVariesSetsTheFloor) {
  const Communicator alone = Communicator::self();
  Data data = testing::zeros({2, 1, 5});
  data.at(1, 0, 0) = 4;
  const Quanta quanta = Quanta::of_pilot(alone, extremes_of(alone, data, 0));
  EXPECT_EQ(quanta.scale(0)[1], 0x1p-8 * quanta.scale(0)[0]);
}

TEST(Quanta, TheEndsOfTheRange) {
  const Communicator alone = Communicator::self();
  Data data = testing::zeros({2, 1, 2});
  data.at(0, 0, 0) = -std::numeric_limits<double>::max();
  data.at(1, 0, 0) = std::numeric_limits<double>::max();
  data.at(1, 0, 1) = std::numeric_limits<double>::min();
  const Quanta quanta = Quanta::of_all_rows(alone, extremes_of(alone, data, 0, at::kDouble));
  EXPECT_EQ(quanta.shift(0)[0], 0);
  EXPECT_EQ(quanta.scale(0)[0], 0x1p1000);
  EXPECT_EQ(quanta.scale(0)[1], 0x1p-1000);
}

TEST(Quanta, RoundingIsOfTheUnitsThatVary) {
  const Communicator alone = Communicator::self();
  Data data = testing::zeros({2, 2, 3});
  data.x = {0, 1, 3000, 1, 1, 1,  //
            1, 9, 3000, 1, 1, 1};
  const Extremes extremes = extremes_of(alone, data, 0);
  const Quanta quanta = Quanta::of_all_rows(alone, extremes);
  EXPECT_EQ(quanta.rounding(0, 5, extremes),
            5 * (std::pow(quanta.scale(0)[0], 2) + std::pow(quanta.scale(0)[1], 2)));
  EXPECT_EQ(quanta.rounding(1, 5, extremes), 0);
}

TEST(Quanta, NeedRows) {
  const Communicator ranks = Communicator::world();
  EXPECT_THROW(Quanta::of_pilot(ranks, Extremes({0, 3, 4})), core::Error);
}

}  // namespace
}  // namespace orrery::statistics
