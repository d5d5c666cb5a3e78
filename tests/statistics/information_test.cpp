#include "orrery/statistics/information.hpp"

#include "orrery/core/random.hpp"
#include "tests/statistics/reference.hpp"
#include "tests/statistics/unit_reference.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;

MutualInformation compute(const Communicator& ranks, const Data& data, at::ScalarType dtype = at::kFloat,
                          int threads = 2) {
  return mutual_information(ranks, by_unit(ranks, testing::deal(ranks, data, dtype, 9), data.extent),
                            data.extent, threads);
}

/// One unit whose values are `x` at point 0 and `y` at point 1.
double of_two(const std::vector<double>& x, const std::vector<double>& y) {
  Data data = testing::zeros({std::ssize(x), 2, 1});
  for (std::int64_t n = 0; n < std::ssize(x); ++n) {
    data.at(n, 0, 0) = x[n];
    data.at(n, 1, 0) = y[n];
  }
  return compute(Communicator::self(), data, at::kDouble).mean[0];
}

std::vector<double> values(std::int64_t samples, const std::function<double(std::int64_t)>& value) {
  std::vector<double> all;
  for (std::int64_t n = 0; n < samples; ++n) all.push_back(value(n));
  return all;
}

std::vector<double> column(const Data& data, std::int64_t s, std::int64_t d) {
  return values(data.extent.samples, [&](std::int64_t n) { return data.at(n, s, d); });
}

TEST(InformationBins, AreTheSquareRootOfAFifthOfTheRows) {
  for (const auto& [samples, bins] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 2}, {20, 2}, {44, 2}, {45, 3}, {667, 11}, {1000, 14}, {5119, 31}, {5120, 32}, {60000, 32}}) {
    EXPECT_EQ(information_bins(samples), bins);
  }
}

TEST(MutualInformation, AgreesWithThePlainFormula) {
  const Communicator ranks = Communicator::world();
  for (const Extent& extent :
       {Extent{83, 7, 130}, {47, 3, 64}, {200, 3, 5}, {3, 3, 9}, {2, 3, 5}, {1, 5, 7}}) {
    Data data = testing::walk(extent, 61);
    for (std::int64_t n = 0; n < extent.samples; ++n) {  // ties
      if (extent.units > 4) data.at(n, 1, 4) = std::round(data.at(n, 1, 4));
    }
    for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
      const MutualInformation got = compute(ranks, data, dtype);
      const std::int64_t bins = information_bins(extent.samples);
      const UnitShard shard = by_unit(ranks, testing::deal(ranks, data, dtype, 9), extent);
      const std::int64_t units = std::ssize(shard.units);
      for (std::int64_t s = 0; s + 1 < extent.points; ++s) {
        double sum = 0, count = 0;
        for (std::int64_t d = 0; d < extent.units; ++d) {
          if (reference::constant(data, s, d) || reference::constant(data, s + 1, d)) continue;
          sum += reference::information(column(data, s, d), column(data, s + 1, d), bins);
          count += 1;
        }
        for (std::int64_t u = 0; u < units; ++u) {
          const std::int64_t d = shard.units[u];
          const float value = got.of_units.const_data_ptr<float>()[s * units + u];
          if (reference::constant(data, s, d) || reference::constant(data, s + 1, d)) {
            EXPECT_TRUE(std::isnan(value));
          } else {  // at most ln 32, as float32: half of its last digit
            EXPECT_NEAR(value, reference::information(column(data, s, d), column(data, s + 1, d), bins),
                        1.3e-7);
          }
        }
        if (!ranks.is_root()) continue;
        if (count == 0) {
          EXPECT_TRUE(std::isnan(got.mean[s]));
        } else {  // sums of some hundred terms
          EXPECT_NEAR(got.mean[s], sum / count, 1e-13);
        }
      }
      EXPECT_EQ(got.mean.empty(), !ranks.is_root());
    }
  }
}

TEST(MutualInformation, OfIdenticalValuesIsTheEntropyOfTheBins) {
  for (const std::int64_t samples : {20, 45, 667}) {
    const std::vector<double> x =
        values(samples, [&](std::int64_t n) { return static_cast<double>(n * 7 % samples) - 5; });
    const std::int64_t bins = information_bins(samples);
    double entropy = 0;
    for (std::int64_t b = 0; b < bins; ++b) {  // bin b has the ranks from ⌈bN/B⌉ to before ⌈(b+1)N/B⌉
      const std::int64_t size = ((b + 1) * samples + bins - 1) / bins - (b * samples + bins - 1) / bins;
      const double p = static_cast<double>(size) / static_cast<double>(samples);
      entropy -= p * std::log(p);
    }
    const double bias = static_cast<double>(bins - 1) / (2 * static_cast<double>(samples));
    EXPECT_NEAR(of_two(x, x), entropy + bias, 1e-13);
    std::vector<double> backwards = x;
    for (double& value : backwards) value = -3 * value;
    EXPECT_NEAR(of_two(x, backwards), entropy + bias, samples % bins == 0 ? 1e-13 : 0.1);
  }
}

TEST(MutualInformation, ByHand) {
  // Two bins of two: all of one side or nothing of it, ln 2 + 1/8 and 0 − 1/8.
  EXPECT_NEAR(of_two({1, 2, 3, 4}, {5, 6, 7, 8}), std::log(2) + 0.125, 1e-15);
  EXPECT_NEAR(of_two({1, 2, 3, 4}, {5, 7, 6, 8}), -0.125, 1e-15);
  // Equal values share the lowest of their ranks, 1: bin 0 has three of four. Cells (0,0) twice, (0,1),
  // (1,1): 1/2 ln(1/2/(3/4·1/2)) + 1/4 ln(1/4/(3/4·1/2)) + 1/4 ln(1/4/(1/4·1/2)), three cells: no bias.
  const double plug_in = 0.5 * std::log(4.0 / 3) + 0.25 * std::log(2.0 / 3) + 0.25 * std::log(2.0);
  EXPECT_NEAR(of_two({1, 2, 2, 3}, {5, 6, 7, 8}), plug_in, 1e-15);
  EXPECT_TRUE(std::isnan(of_two({2, 2, 2, 2}, {5, 6, 7, 8})));
  EXPECT_TRUE(std::isnan(of_two({1}, {1})));
}

TEST(MutualInformation, OfIndependentValuesIsNone) {
  const Communicator alone = Communicator::self();
  const MutualInformation got = compute(alone, testing::noise({667, 2, 200}, 62));
  EXPECT_NEAR(got.mean[0], 0, 0.01);
  const float* values = got.of_units.const_data_ptr<float>();
  EXPECT_TRUE(std::any_of(values, values + 200, [](float value) { return value < 0; }));
}

TEST(MutualInformation, SameBitsForAnyRanksAndThreads) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::walk({50, 5, 300}, 63);
  const MutualInformation got = compute(ranks, data, at::kFloat, 3);
  if (!ranks.is_root()) return;
  const MutualInformation alone = compute(Communicator::self(), data, at::kFloat, 1);
  EXPECT_TRUE(testing::same_bits(got.mean, alone.mean));
}

}  // namespace
}  // namespace orrery::statistics
