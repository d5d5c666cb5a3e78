#include "orrery/statistics/linear_flow.hpp"

#include "tests/statistics/data.hpp"

#include <ATen/ops/empty.h>
#include <Eigen/Eigenvalues>
#include <Eigen/SVD>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Points = std::vector<Matrix>;  // scores (N, k) of each point

Matrix normal(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> draw;
  Matrix matrix(rows, columns);
  for (double& value : matrix.reshaped()) value = draw(generator);
  return matrix;
}

/// This rank's points, shared as PointShard's are.
at::Tensor share(const Communicator& ranks, const Points& points) {
  const std::int64_t count = std::ssize(points);
  const std::int64_t begin = count * ranks.rank() / ranks.size();
  const std::int64_t end = count * (ranks.rank() + 1) / ranks.size();
  at::Tensor score = at::empty({end - begin, points[0].rows(), points[0].cols()}, at::kDouble);
  double* to = score.mutable_data_ptr<double>();
  for (std::int64_t s = begin; s < end; ++s) to = std::copy_n(points[s].data(), points[s].size(), to);
  return score;
}

Matrix centred(const Matrix& z) {
  return z.rowwise() - z.colwise().mean();
}

/// The map by Eigen's singular values, its eigenvalues by Eigen.
FlowStep plain_step(const Matrix& score, const Matrix& next_score) {
  const std::int64_t f = std::min<std::int64_t>(score.cols(), 16);
  const Matrix here = centred(score.leftCols(f));
  const Matrix next = centred(next_score.leftCols(f));
  Eigen::JacobiSVD<Eigen::MatrixXd> svd(here, Eigen::ComputeThinU | Eigen::ComputeThinV);
  Eigen::VectorXd inverse = svd.singularValues();
  for (double& value : inverse) value = value > 1e-10 * svd.singularValues()(0) ? 1 / value : 0;
  const Eigen::MatrixXd map =
      (svd.matrixV() * inverse.asDiagonal() * svd.matrixU().transpose() * next).transpose();
  const Eigen::VectorXcd values = Eigen::EigenSolver<Eigen::MatrixXd>(map).eigenvalues();
  FlowStep step{{values.begin(), values.end()}, 0, 0};
  std::sort(step.eigenvalue.begin(), step.eigenvalue.end(), [](const auto& a, const auto& b) {
    if (std::abs(std::abs(a) - std::abs(b)) > 1e-9) return std::abs(a) > std::abs(b);
    return std::tuple(a.real(), a.imag()) > std::tuple(b.real(), b.imag());
  });
  step.explained = 1 - (next - here * map.transpose()).squaredNorm() / next.squaredNorm();
  step.persistence = 1 - (next - here).squaredNorm() / next.squaredNorm();
  return step;
}

void expect_near(const FlowStep& got, const FlowStep& expected, double tolerance) {
  ASSERT_EQ(got.eigenvalue.size(), expected.eigenvalue.size());
  for (std::size_t i = 0; i < got.eigenvalue.size(); ++i) {
    EXPECT_LE(std::abs(got.eigenvalue[i] - expected.eigenvalue[i]), tolerance) << "eigenvalue " << i;
  }
  EXPECT_NEAR(got.explained, expected.explained, tolerance);
  EXPECT_NEAR(got.persistence, expected.persistence, tolerance);
}

/// The Gram matrix of two points' centred scores, side by side.
at::Tensor gram_of(const Matrix& score, const Matrix& next) {
  Matrix both(score.rows(), score.cols() + next.cols());
  both << centred(score), centred(next);
  const Matrix gram = both.transpose() * both;
  at::Tensor result = at::empty({gram.rows(), gram.cols()}, at::kDouble);
  std::copy_n(gram.data(), gram.size(), result.mutable_data_ptr<double>());
  return result;
}

/// Points that turn and shrink: each the one before by a map of its own, and noise.
Points turning(std::int64_t samples, std::int64_t points, std::int64_t components, double noise) {
  Points result = {normal(samples, components, 1)};
  for (std::int64_t s = 1; s < points; ++s) {
    const Matrix map =
        Matrix::Identity(components, components) + 0.3 * normal(components, components, 10 + s);
    result.push_back(result.back() * map.transpose() + noise * normal(samples, components, 100 + s));
  }
  return result;
}

// Condition numbers of Z stay below about 1e3 and eigenvalues of random 16 × 16 maps below 1e2 in condition:
// 2⁻⁵³ times both.
TEST(LinearFlow, AgreesWithThePlainLeastSquares) {
  const Communicator ranks = Communicator::world();
  for (const auto& [samples, points, components] :
       {std::tuple(40, 5, 6), std::tuple(50, 3, 20), std::tuple(9, 3, 1), std::tuple(300, 4, 16)}) {
    const Points scores = turning(samples, points, components, 0.5);
    const std::vector<FlowStep> got = linear_flow(ranks, share(ranks, scores), 2);
    ASSERT_EQ(std::ssize(got), ranks.is_root() ? points - 1 : 0);
    for (std::size_t s = 0; s < got.size(); ++s) {
      expect_near(got[s], plain_step(scores[s], scores[s + 1]), 1e-10);
    }
  }
}

TEST(LinearFlow, RecoversAKnownMap) {
  // 0.9 of a turn by 0.5, and a column that shrinks to 0.2, wherever the mean goes.
  Matrix map = Matrix::Zero(3, 3);
  map << 0.9 * std::cos(0.5), -0.9 * std::sin(0.5), 0, 0.9 * std::sin(0.5), 0.9 * std::cos(0.5), 0, 0, 0, 0.2;
  const Matrix here = normal(30, 3, 2);
  const Matrix next = (here * map.transpose()).rowwise() + Eigen::RowVector3d(1, -7, 300);
  const Communicator alone = Communicator::self();
  const FlowStep moments = linear_flow_of_moments(gram_of(here, next), 30);
  const FlowStep rows = linear_flow(alone, share(alone, {here, next}), 1)[0];
  for (const FlowStep& got : {rows, moments}) {
    EXPECT_NEAR(std::abs(got.eigenvalue[0] - std::polar(0.9, 0.5)), 0, 1e-12);
    EXPECT_NEAR(std::abs(got.eigenvalue[1] - std::polar(0.9, -0.5)), 0, 1e-12);
    EXPECT_NEAR(std::abs(got.eigenvalue[2] - 0.2), 0, 1e-12);
    EXPECT_NEAR(got.explained, 1, 1e-12);
  }
  const double persistence = 1 - (centred(next) - centred(here)).squaredNorm() / centred(next).squaredNorm();
  EXPECT_NEAR(rows.persistence, persistence, 1e-12);
}

TEST(LinearFlow, PersistenceIsThatOfStayingThere) {
  const Matrix here = normal(30, 2, 2);
  const Communicator alone = Communicator::self();
  const std::vector<FlowStep> got = linear_flow(alone, share(alone, {here, here, 2 * here}), 1);
  EXPECT_DOUBLE_EQ(got[0].persistence, 1);
  EXPECT_DOUBLE_EQ(got[1].persistence, 0.75);
  EXPECT_NEAR(std::abs(got[1].eigenvalue[0] - 2.0), 0, 1e-13);
}

TEST(LinearFlow, OrderIsModulusThenRealThenImaginaryPart) {
  Eigen::VectorXd scale(4);
  scale << -2, 0.5, 2, -3;
  const Matrix here = normal(30, 4, 3);
  const Communicator alone = Communicator::self();
  const FlowStep got = linear_flow(alone, share(alone, {here, here * scale.asDiagonal()}), 1)[0];
  EXPECT_NEAR(got.eigenvalue[0].real(), -3, 1e-12);
  EXPECT_NEAR(std::abs(got.eigenvalue[1].real()), 2, 1e-12);  // ± 2: their moduli differ by rounding
  EXPECT_NEAR(std::abs(got.eigenvalue[2].real()), 2, 1e-12);
  EXPECT_NEAR(got.eigenvalue[3].real(), 0.5, 1e-12);
}

TEST(LinearFlow, DependentScoresHaveTheMapOfLeastNorm) {
  Matrix here = normal(30, 4, 4);
  here.col(2) = here.col(0) + here.col(1);
  const Matrix next = normal(30, 4, 5) + here;
  const Communicator alone = Communicator::self();
  const FlowStep rows = linear_flow(alone, share(alone, {here, next}), 1)[0];
  expect_near(rows, plain_step(here, next), 1e-11);
  // The dropped direction is one of exact rounding in the moments too.
  expect_near(linear_flow_of_moments(gram_of(here, next), 30), rows, 1e-11);
  // Fewer rows than scores: as many directions as there are rows, less the mean.
  expect_near(linear_flow(alone, share(alone, {here.topRows(3), next.topRows(3)}), 1)[0],
              plain_step(here.topRows(3), next.topRows(3)), 1e-11);
}

TEST(LinearFlow, TheCutIsAtTenBillionths) {
  // A column 1e-9 of the other is kept, one of 1e-11 dropped: its eigenvalue is then 0 rather than 3.
  const Communicator alone = Communicator::self();
  for (const auto& [size, expected] : {std::pair(1e-9, 3.0), std::pair(1e-11, 0.0)}) {
    Matrix here = normal(40, 2, 6);
    here.col(1) -=
        here.col(0) * (centred(here).col(0).dot(centred(here).col(1)) / centred(here).col(0).squaredNorm());
    here.col(1) *= size;
    const Matrix next = here * Eigen::Vector2d(1, 3).asDiagonal();
    const FlowStep got = linear_flow(alone, share(alone, {here, next}), 1)[0];
    EXPECT_NEAR(std::abs(got.eigenvalue[expected > 1 ? 0 : 1]), expected, 1e-5);
  }
}

TEST(LinearFlow, MomentsAgreeWithRows) {
  const Points scores = turning(60, 3, 16, 0.5);
  const Communicator alone = Communicator::self();
  const std::vector<FlowStep> rows = linear_flow(alone, share(alone, scores), 1);
  for (std::size_t s = 0; s < rows.size(); ++s) {  // the condition of Z counts twice
    expect_near(linear_flow_of_moments(gram_of(scores[s], scores[s + 1]), 60), rows[s], 1e-8);
  }
}

TEST(LinearFlow, WhatIsNotDefinedIsNaN) {
  const Communicator alone = Communicator::self();
  const Matrix z = normal(20, 3, 7);
  const Matrix still =
      normal(1, 3, 8).replicate(20, 1);  // the mean of twenty is not always the number itself
  const std::vector<FlowStep> got = linear_flow(alone, share(alone, {z, still, z}), 1);
  const FlowStep to_rest = linear_flow_of_moments(gram_of(z, Matrix::Zero(20, 3)), 20);
  const FlowStep from_rest = linear_flow_of_moments(gram_of(Matrix::Zero(20, 3), z), 20);
  for (const FlowStep& step : {got[0], to_rest}) {
    EXPECT_TRUE(std::isnan(step.explained) && std::isnan(step.persistence));
    EXPECT_EQ(step.eigenvalue, std::vector<std::complex<double>>(3, 0));
  }
  for (const FlowStep& step : {got[1], from_rest}) {
    EXPECT_EQ(step.explained, 0);
    EXPECT_EQ(step.persistence, 0);
    EXPECT_EQ(step.eigenvalue, std::vector<std::complex<double>>(3, 0));
  }
  const FlowStep one_row = linear_flow(alone, share(alone, {z.topRows(1), z.topRows(1)}), 1)[0];
  for (const FlowStep& step : {one_row, linear_flow_of_moments(gram_of(z, z), 1)}) {
    EXPECT_TRUE(std::isnan(step.explained) && std::isnan(step.persistence));
    for (const std::complex<double>& value : step.eigenvalue) {
      EXPECT_TRUE(std::isnan(value.real()) && std::isnan(value.imag()));
    }
  }
}

TEST(LinearFlow, ScoresBeyondTheRankHaveNoEigenvalue) {
  const Communicator ranks = Communicator::world();
  const Communicator alone = Communicator::self();
  Points scores = turning(20, 3, 2, 0.5);
  const std::vector<FlowStep> expected = linear_flow(alone, share(alone, scores), 1);
  for (Matrix& z : scores) {
    z.conservativeResize(20, 4);
    z.rightCols(2).setConstant(std::nan(""));
  }
  const std::vector<FlowStep> got = linear_flow(ranks, share(ranks, scores), 2);
  for (std::size_t s = 0; s < got.size(); ++s) {
    for (const FlowStep& step : {got[s], linear_flow_of_moments(gram_of(scores[s], scores[s + 1]), 20)}) {
      ASSERT_EQ(step.eigenvalue.size(), 4U);
      for (int i = 0; i < 2; ++i)
        EXPECT_NEAR(std::abs(step.eigenvalue[i] - expected[s].eigenvalue[i]), 0, 1e-11);
      for (int i = 2; i < 4; ++i) EXPECT_TRUE(std::isnan(step.eigenvalue[i].real()));
      EXPECT_NEAR(step.explained, expected[s].explained, 1e-12);
    }
  }
}

TEST(LinearFlow, SameBitsForAnyRanksAndThreads) {
  const Communicator ranks = Communicator::world();
  const Communicator alone = Communicator::self();
  for (const std::int64_t points : {3, 7}) {
    const Points scores = turning(50, points, 18, 0.5);
    const std::vector<FlowStep> expected = linear_flow(alone, share(alone, scores), 1);
    for (const int threads : {1, 3}) {
      const std::vector<FlowStep> got = linear_flow(ranks, share(ranks, scores), threads);
      ASSERT_EQ(got.size(), ranks.is_root() ? expected.size() : 0);
      for (std::size_t s = 0; s < got.size(); ++s) {
        EXPECT_EQ(got[s].eigenvalue, expected[s].eigenvalue);
        EXPECT_EQ(got[s].explained, expected[s].explained);
        EXPECT_EQ(got[s].persistence, expected[s].persistence);
      }
    }
  }
}

}  // namespace
}  // namespace orrery::statistics
