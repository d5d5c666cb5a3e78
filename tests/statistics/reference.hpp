#pragma once

#include "tests/statistics/data.hpp"

#include <Eigen/Core>

#include <cstdint>
#include <functional>
#include <vector>

/// The formulas of science.md written down plainly: two passes, one loop inside the other, nothing shared
/// with the code under test. Slow; for small data.
namespace orrery::statistics::reference {

using testing::Data;

// Of unit d over samples.
double mean(const Data& data, std::int64_t s, std::int64_t d);
double variance(const Data& data, std::int64_t s, std::int64_t d);
bool constant(const Data& data, std::int64_t s, std::int64_t d);
double correlation(const Data& data, std::int64_t s, std::int64_t t, std::int64_t d);  ///< NaN where constant

/// Mean over units of correlation(s, t, ·), and how many it is over.
double mean_correlation(const Data& data, std::int64_t s, std::int64_t t, std::int64_t* count = nullptr);
/// Mean over units that vary at s and s + 1 of σ_s/√(σ_s² + σ_Δ²).
double residual_null(const Data& data, std::int64_t s);

// Of row n.
double norm(const Data& data, std::int64_t n, std::int64_t s);
double cosine(const Data& data, std::int64_t n, std::int64_t s);
double velocity(const Data& data, std::int64_t n, std::int64_t s);
double relative_velocity(const Data& data, std::int64_t n, std::int64_t s);
double mean_abs(const Data& data, std::int64_t n, std::int64_t s);
double active(const Data& data, std::int64_t n, std::int64_t s);
double hoyer(const Data& data, std::int64_t n, std::int64_t s);
double kurtosis(const Data& data, std::int64_t n, std::int64_t s);
/// The angle at s + 1 between the steps to and from it, by the arc cosine of long doubles.
double curvature(const Data& data, std::int64_t n, std::int64_t s);
/// Arc length over end-to-end distance; the last argument is not used.
double straightness(const Data& data, std::int64_t n, std::int64_t);

using RowMeasure = std::function<double(const Data&, std::int64_t, std::int64_t)>;
/// Mean and standard deviation of a measure over the rows where it is not NaN.
double row_mean(const Data& data, const RowMeasure& measure, std::int64_t s);
double row_deviation(const Data& data, const RowMeasure& measure, std::int64_t s);

/// The D × D covariance of point s, its eigenvalues (descending, all D) by Eigen, and numbers from them.
struct Covariance {
  Covariance(const Data& data, std::int64_t s);
  Eigen::MatrixXd matrix;
  Eigen::VectorXd eigenvalue;
  double trace() const;
  double participation_ratio() const;
  double participation_ratio_corrected(std::int64_t samples) const;
  double participation_ratio_standardised() const;  ///< from the correlation matrix itself
  double effective_rank() const;
  double top_unit_share() const;
  int components_for(double share) const;
};

}  // namespace orrery::statistics::reference
