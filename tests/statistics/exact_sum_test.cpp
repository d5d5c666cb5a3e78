#include "orrery/statistics/exact_sum.hpp"

#include "orrery/core/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using Limits = std::numeric_limits<double>;
__extension__ typedef __int128 Int128;
__extension__ typedef __float128 Quad;

double sum_of(const std::vector<double>& values) {
  ExactSums sums(1);
  for (const double value : values) sums.add(0, value);
  return sums.sum(0);
}

ExactMoments moments_of(const std::vector<double>& values) {
  ExactMoments moments(1);
  for (const double value : values) moments.add(0, value);
  return moments;
}

/// Whole numbers of 53 bits times 2^-20 … 2^20: their sum in units of 2^-20 is one of 128 bits.
struct Terms {
  std::vector<double> values;
  Int128 sum = 0;
};

Terms random_terms(std::int64_t count, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  Terms terms;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t whole = static_cast<std::int64_t>(generator()) >> 10;
    const int exponent = static_cast<int>(generator() % 41);
    terms.values.push_back(std::ldexp(static_cast<double>(whole), exponent - 20));
    terms.sum += Int128{whole} << exponent;
  }
  return terms;
}

TEST(ExactSums, IsTheSumRoundedOnce) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const Terms terms = random_terms(static_cast<std::int64_t>(seed % 7) * 10 + 1, seed);
    EXPECT_EQ(sum_of(terms.values), std::ldexp(static_cast<double>(terms.sum), -20)) << seed;
  }
}

TEST(ExactSums, RoundsToNearestAndTiesToEven) {
  const double big = 0x1p53;  // whose neighbours are 2 apart
  EXPECT_EQ(sum_of({big, 1}), big);
  EXPECT_EQ(sum_of({big, 1, 1e-300}), big + 2);
  EXPECT_EQ(sum_of({big + 2, 1}), big + 4);
  EXPECT_EQ(sum_of({big + 2, 1, -1e-300}), big + 2);
  EXPECT_EQ(sum_of({-big, -1, -1e-300}), -big - 2);
  EXPECT_EQ(sum_of({big - 1, 0.5}), big);  // carries into a new bit
}

TEST(ExactSums, CancellationAndTheEndsOfTheRange) {
  EXPECT_EQ(sum_of({1e308, 1, -1e308}), 1);
  EXPECT_EQ(sum_of({Limits::max(), Limits::max(), -Limits::max()}), Limits::max());
  EXPECT_EQ(sum_of({Limits::max(), Limits::max()}), Limits::infinity());
  const double least = Limits::denorm_min();
  EXPECT_EQ(sum_of({least, least, least}), 3 * least);
  EXPECT_EQ(sum_of({Limits::min(), -least, -least}), Limits::min() - 2 * least);
  EXPECT_EQ(sum_of({Limits::max(), least, -Limits::max()}), least);
  EXPECT_EQ(sum_of({-least}), -least);
  for (const std::vector<double>& values : {std::vector<double>{}, {-0.0}, {0.0, -0.0}, {-1.5, 1.5}}) {
    EXPECT_EQ(sum_of(values), 0);
    EXPECT_FALSE(std::signbit(sum_of(values)));
  }
}

TEST(ExactSums, NanIsSkippedAndAnInfinityRefused) {
  ExactSums sums(2);
  sums.add(1, 2.5);
  sums.add(1, std::nan(""));
  sums.add_square(1, std::nan(""));
  EXPECT_EQ(sums.count(1), 1);
  EXPECT_EQ(sums.mean(1), 2.5);
  EXPECT_EQ(sums.count(0), 0);
  EXPECT_TRUE(std::isnan(sums.mean(0)));
  EXPECT_THROW(sums.add(0, Limits::infinity()), core::Error);
  EXPECT_THROW(sums.add(0, -Limits::infinity()), core::Error);
  EXPECT_THROW(sums.add_square(0, 0x1p512), core::Error);
}

TEST(ExactSums, CarriesBeforeALimbIsFull) {
  const double value = -0x1.fffffffffffffp0;
  ExactSums one(1);
  one.add(0, value);
  ExactSums total(1);
  for (int k = 0; k < 30; ++k) {  // 1 + 2 + 4 + … = 2³⁰ − 1 terms
    total.merge(one);
    one.merge(ExactSums(one));
  }
  for (int k = 0; k < 3; ++k) total.add(0, value);  // passes 2³⁰
  EXPECT_EQ(total.count(0), (std::int64_t{1} << 30) + 2);
  EXPECT_EQ(total.sum(0), value * (0x1p30 + 2));  // 53 bits times few: the product is rounded once
  for (int k = 0; k < 32; ++k) total.merge(ExactSums(total));  // the count is below 2⁶³
  EXPECT_EQ(total.sum(0), value * (0x1p30 + 2) * 0x1p32);
}

/// Two passes in 113 bits; every input below has far fewer.
double deviation(const std::vector<double>& values) {
  Quad mean = 0;
  for (const double value : values) mean += value;
  mean /= static_cast<Quad>(values.size());
  Quad squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(static_cast<double>(squares / static_cast<Quad>(values.size() - 1)));
}

TEST(ExactMoments, SpreadsSurviveCancellation) {
  std::mt19937_64 generator(5);
  std::normal_distribution<double> normal;
  for (const auto& [level, spread] : {std::pair(0.0, 1.0), std::pair(1.0, 1e-3), std::pair(-3000.0, 1e-9),
                                      std::pair(1e150, 1e140), std::pair(1e-140, 1e-143)}) {
    std::vector<double> values;
    for (int n = 0; n < 301; ++n) values.push_back(level + spread * normal(generator));
    const double expected = deviation(values);
    EXPECT_NEAR(moments_of(values).standard_deviation(0), expected, 1e-15 * expected) << level;
  }
}

TEST(ExactMoments, EqualValuesHaveNoSpread) {
  for (const double value : {0.1, 3000.3, -1e-200, 0.0, Limits::denorm_min()}) {
    const ExactMoments moments = moments_of(std::vector<double>(1000, value));
    EXPECT_EQ(moments.standard_deviation(0), 0) << value;
    EXPECT_EQ(moments.mean(0), value);
  }
}

TEST(ExactMoments, FewValues) {
  EXPECT_TRUE(std::isnan(moments_of({}).mean(0)));
  EXPECT_TRUE(std::isnan(moments_of({}).standard_deviation(0)));
  EXPECT_EQ(moments_of({2}).mean(0), 2);
  EXPECT_TRUE(std::isnan(moments_of({2, std::nan("")}).standard_deviation(0)));
  EXPECT_EQ(moments_of({2, 4}).mean(0), 3);
  EXPECT_EQ(moments_of({2, 4}).standard_deviation(0), std::sqrt(2.0));
  EXPECT_EQ(moments_of({2, std::nan(""), 4}).count(0), 2);
}

TEST(ExactMoments, AnyOrderAndDealingGivesTheSameBits) {
  const Communicator ranks = Communicator::world();
  constexpr std::int64_t columns = 5;
  std::vector<std::vector<double>> lists;
  for (std::uint64_t i = 0; i < columns; ++i) lists.push_back(random_terms(97, 100 + i).values);
  lists[3][7] = std::nan("");
  ExactMoments alone(columns);
  for (std::int64_t i = 0; i < columns; ++i) {
    for (const double value : lists[i]) alone.add(i, value);
  }
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    std::mt19937_64 generator(seed);
    ExactMoments shared(columns);
    ExactMoments other(columns);  // of a second thread
    for (std::int64_t i = 0; i < columns; ++i) {
      std::vector<double> list = lists[i];
      std::shuffle(list.begin(), list.end(), generator);
      for (const double value : list) {
        const auto drawn = generator();
        if (static_cast<int>(drawn % static_cast<std::uint64_t>(ranks.size())) != ranks.rank()) continue;
        (drawn >> 32 & 1 ? shared : other).add(i, value);
      }
    }
    shared.merge(other);
    shared.reduce(ranks);
    for (std::int64_t i = 0; i < columns; ++i) {
      EXPECT_EQ(shared.count(i), alone.count(i));
      EXPECT_EQ(shared.mean(i), alone.mean(i));
      EXPECT_EQ(shared.standard_deviation(i), alone.standard_deviation(i));
    }
  }
}

TEST(ExactMoments, DifferentSizesDoNotMerge) {
  ExactMoments moments(2);
  EXPECT_THROW(moments.merge(ExactMoments(3)), core::Error);
}

}  // namespace
}  // namespace orrery::statistics
