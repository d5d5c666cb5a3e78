#pragma once

#include <Eigen/Core>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace orrery::statistics::testing {

/// Eigenvalues are good to a small multiple of n · 2⁻⁵³ · λ₁, n ≤ 130.
inline constexpr double tolerance = 1e-13;

/// Rows of `component` up to the rank are unit vectors at right angles with C v = λ v, signed by the rule;
/// NaN beyond.
inline void expect_eigenvectors(const double* component, const double* eigenvalue, std::int64_t count,
                                std::int64_t rank, const Eigen::MatrixXd& covariance) {
  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const Rows> all(component, count, covariance.rows());
  const std::int64_t valid = std::min(count, rank);
  EXPECT_TRUE(all.bottomRows(count - valid).array().isNaN().all());
  const Eigen::MatrixXd v = all.topRows(valid);
  EXPECT_LE((v * v.transpose() - Eigen::MatrixXd::Identity(valid, valid)).cwiseAbs().maxCoeff(), 1e-13);
  for (std::int64_t i = 0; i < valid; ++i) {
    const Eigen::VectorXd residual = covariance * v.row(i).transpose() - eigenvalue[i] * v.row(i).transpose();
    EXPECT_LE(residual.norm(), tolerance * eigenvalue[0]) << "component " << i;
    Eigen::Index largest = 0;
    v.row(i).cast<float>().cwiseAbs().maxCoeff(&largest);
    EXPECT_GT(v(i, largest), 0);
  }
}

}  // namespace orrery::statistics::testing
