// Distances, cosines and divergences against plain loops.
#include "orrery/statistics/deviation.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace orrery::statistics {
namespace {

constexpr std::int64_t rows = 7, columns = 130;

at::Tensor normal_numbers(at::ScalarType type) {
  std::mt19937_64 generator(3);
  std::normal_distribution<double> normal(0, 2);
  const at::Tensor values = at::empty({rows, columns}, at::kDouble);
  std::generate_n(values.mutable_data_ptr<double>(), rows * columns, [&] { return normal(generator); });
  return values.to(type);
}

double sum(std::int64_t count, const auto& term) {
  double total = 0;
  for (std::int64_t i = 0; i < count; ++i) total += term(i);
  return total;
}

TEST(Deviations, AreDistanceCosineAndNormInDoublePrecision) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16}) {
    const at::Tensor streams = normal_numbers(type);
    const Deviations found = deviations(streams);
    const at::Tensor x = streams.to(at::kDouble);
    const auto at = [&](std::int64_t row, std::int64_t d) { return x[row][d].item<double>(); };
    for (std::int64_t row = 0; row < rows; ++row) {
      const double distance =
          std::sqrt(sum(columns, [&](auto d) { return std::pow(at(row, d) - at(0, d), 2); }));
      const double norm = std::sqrt(sum(columns, [&](auto d) { return at(row, d) * at(row, d); }));
      const double first = std::sqrt(sum(columns, [&](auto d) { return at(0, d) * at(0, d); }));
      const double product = sum(columns, [&](auto d) { return at(row, d) * at(0, d); });
      EXPECT_NEAR(found.distance[row].item<double>(), distance, 1e-14 * columns);
      EXPECT_NEAR(found.norm[row].item<double>(), norm, 1e-14 * columns);
      EXPECT_NEAR(found.cosine[row].item<double>(), product / (norm * first), 1e-14);
    }
    EXPECT_EQ(found.distance[0].item<double>(), 0);
  }
}

TEST(Deviations, HaveNoCosineWithNothing) {
  const Deviations found = deviations(at::zeros({2, 3}));
  EXPECT_EQ(found.distance[1].item<double>(), 0);
  EXPECT_TRUE(std::isnan(found.cosine[1].item<double>()));
}

TEST(RowCosines, ArePairwise) {
  const at::Tensor one = normal_numbers(at::kFloat);
  const at::Tensor found = row_cosines(one, one.mul(-2));
  for (std::int64_t row = 0; row < rows; ++row) EXPECT_NEAR(found[row].item<double>(), -1, 1e-14);
}

TEST(Divergence, IsInNatsAndZeroForEqualRows) {
  const at::Tensor logits = normal_numbers(at::kFloat);
  logits[4].copy_(logits[0]);
  const at::Tensor log_p = log_probabilities(logits);
  const Divergence found = divergence(log_p, log_p[0]);
  const auto at = [&](std::int64_t row, std::int64_t v) { return logits[row][v].item<double>(); };
  const auto log_sum = [&](std::int64_t row) {
    return std::log(sum(columns, [&](auto v) { return std::exp(at(row, v)); }));
  };
  const auto top = [&](std::int64_t row) {
    std::int64_t best = 0;
    for (std::int64_t v = 1; v < columns; ++v) best = at(row, v) > at(row, best) ? v : best;
    return best;
  };
  for (std::int64_t row = 0; row < rows; ++row) {
    const double expected = sum(columns, [&](auto v) {
      const double p = at(0, v) - log_sum(0), q = at(row, v) - log_sum(row);
      return std::exp(p) * (p - q);
    });
    EXPECT_NEAR(found.kl[row].item<double>(), expected, 1e-14 * columns);
    EXPECT_EQ(found.same_top[row].item<bool>(), top(row) == top(0));
  }
  EXPECT_EQ(found.kl[0].item<double>(), 0);
  EXPECT_EQ(found.kl[4].item<double>(), 0);
  EXPECT_GT(found.kl[1].item<double>(), 0.1);
}

TEST(Divergence, TakesTheFirstOfEqualsAsTheMostLikely) {
  const std::vector<std::vector<double>> words = {{2, 2, 1}, {1, 2, 2}, {2, 1, 2}, {0, 2, 1}, {1, 1, 2}};
  const std::vector<std::int64_t> top = {0, 1, 0, 1, 2};
  const at::Tensor logits = at::empty({5, 3}, at::kDouble);
  for (std::int64_t row = 0; row < 5; ++row)
    logits[row].copy_(at::tensor(words[static_cast<std::size_t>(row)], at::kDouble));
  for (std::size_t reference = 0; reference < top.size(); ++reference) {
    const at::Tensor same = divergence(logits, logits[static_cast<std::int64_t>(reference)]).same_top;
    for (std::size_t row = 0; row < top.size(); ++row)
      EXPECT_EQ(same[static_cast<std::int64_t>(row)].item<bool>(), top[row] == top[reference]);
  }
}

}  // namespace
}  // namespace orrery::statistics
