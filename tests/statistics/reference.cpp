#include "tests/statistics/reference.hpp"

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <limits>

namespace orrery::statistics::reference {
namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

double covariance(const Data& data, std::int64_t s, std::int64_t d, std::int64_t t, std::int64_t e) {
  const double one = mean(data, s, d);
  const double other = mean(data, t, e);
  double sum = 0;
  for (std::int64_t n = 0; n < data.extent.samples; ++n)
    sum += (data.at(n, s, d) - one) * (data.at(n, t, e) - other);
  return sum / static_cast<double>(data.extent.samples - 1);
}

double sum_over_units(const Data& data, const std::function<double(std::int64_t)>& term) {
  double sum = 0;
  for (std::int64_t d = 0; d < data.extent.units; ++d) sum += term(d);
  return sum;
}

}  // namespace

double mean(const Data& data, std::int64_t s, std::int64_t d) {
  long double sum = 0;  // so that 3000 ± 0.01 keeps its digits in the second pass
  for (std::int64_t n = 0; n < data.extent.samples; ++n) sum += data.at(n, s, d);
  return static_cast<double>(sum / static_cast<long double>(data.extent.samples));
}

double variance(const Data& data, std::int64_t s, std::int64_t d) {
  return data.extent.samples < 2 ? not_a_number : covariance(data, s, d, s, d);
}

bool constant(const Data& data, std::int64_t s, std::int64_t d) {
  for (std::int64_t n = 1; n < data.extent.samples; ++n) {
    if (data.at(n, s, d) != data.at(0, s, d)) return false;
  }
  return true;
}

double correlation(const Data& data, std::int64_t s, std::int64_t t, std::int64_t d) {
  if (constant(data, s, d) || constant(data, t, d)) return not_a_number;
  return covariance(data, s, d, t, d) / std::sqrt(variance(data, s, d) * variance(data, t, d));
}

double mean_correlation(const Data& data, std::int64_t s, std::int64_t t, std::int64_t* count) {
  double sum = 0;
  std::int64_t used = 0;
  for (std::int64_t d = 0; d < data.extent.units; ++d) {
    const double r = correlation(data, s, t, d);
    if (std::isnan(r)) continue;
    sum += r;
    ++used;
  }
  if (count != nullptr) *count = used;
  return used > 0 ? sum / static_cast<double>(used) : not_a_number;
}

double residual_null(const Data& data, std::int64_t s) {
  Data steps = data;
  for (std::int64_t n = 0; n < data.extent.samples; ++n) {
    for (std::int64_t d = 0; d < data.extent.units; ++d)
      steps.at(n, s, d) = data.at(n, s + 1, d) - data.at(n, s, d);
  }
  double sum = 0;
  double used = 0;
  for (std::int64_t d = 0; d < data.extent.units; ++d) {
    if (constant(data, s, d) || constant(data, s + 1, d)) continue;
    sum += std::sqrt(variance(data, s, d)) / std::sqrt(variance(data, s, d) + variance(steps, s, d));
    used += 1;
  }
  return used > 0 ? sum / used : not_a_number;
}

double norm(const Data& data, std::int64_t n, std::int64_t s) {
  return std::sqrt(sum_over_units(data, [&](std::int64_t d) { return data.at(n, s, d) * data.at(n, s, d); }));
}

double cosine(const Data& data, std::int64_t n, std::int64_t s) {
  if (norm(data, n, s) == 0 || norm(data, n, s + 1) == 0) return not_a_number;
  const double product =
      sum_over_units(data, [&](std::int64_t d) { return data.at(n, s, d) * data.at(n, s + 1, d); });
  return product / (norm(data, n, s) * norm(data, n, s + 1));
}

double velocity(const Data& data, std::int64_t n, std::int64_t s) {
  return std::sqrt(sum_over_units(
      data, [&](std::int64_t d) { return std::pow(data.at(n, s + 1, d) - data.at(n, s, d), 2); }));
}

double relative_velocity(const Data& data, std::int64_t n, std::int64_t s) {
  return norm(data, n, s) == 0 ? not_a_number : velocity(data, n, s) / norm(data, n, s);
}

double mean_abs(const Data& data, std::int64_t n, std::int64_t s) {
  return sum_over_units(data, [&](std::int64_t d) { return std::abs(data.at(n, s, d)); }) /
         static_cast<double>(data.extent.units);
}

double active(const Data& data, std::int64_t n, std::int64_t s) {
  return sum_over_units(data, [&](std::int64_t d) { return std::abs(data.at(n, s, d)) > 0.1 ? 1.0 : 0.0; }) /
         static_cast<double>(data.extent.units);
}

double hoyer(const Data& data, std::int64_t n, std::int64_t s) {
  const double root = std::sqrt(static_cast<double>(data.extent.units));
  if (norm(data, n, s) == 0 || data.extent.units == 1) return not_a_number;
  return (root - mean_abs(data, n, s) * root * root / norm(data, n, s)) / (root - 1);
}

double kurtosis(const Data& data, std::int64_t n, std::int64_t s) {
  const double units = static_cast<double>(data.extent.units);
  const double centre = sum_over_units(data, [&](std::int64_t d) { return data.at(n, s, d); }) / units;
  const auto moment = [&](int power) {
    return sum_over_units(data, [&](std::int64_t d) { return std::pow(data.at(n, s, d) - centre, power); }) /
           units;
  };
  return moment(2) > 0 ? moment(4) / (moment(2) * moment(2)) - 3 : not_a_number;
}

double curvature(const Data& data, std::int64_t n, std::int64_t s) {
  const auto step = [&](std::int64_t t, std::int64_t d) -> long double {
    return static_cast<long double>(data.at(n, t + 1, d)) - data.at(n, t, d);
  };
  const auto product = [&](std::int64_t t, std::int64_t u) {
    long double sum = 0;
    for (std::int64_t d = 0; d < data.extent.units; ++d) sum += step(t, d) * step(u, d);
    return sum;
  };
  if (product(s, s) == 0 || product(s + 1, s + 1) == 0) return not_a_number;
  const long double cosine = product(s, s + 1) / std::sqrt(product(s, s) * product(s + 1, s + 1));
  return static_cast<double>(std::acos(std::clamp(cosine, -1.0L, 1.0L)));
}

double straightness(const Data& data, std::int64_t n, std::int64_t) {
  const std::int64_t last = data.extent.points - 1;
  double arc = 0;
  for (std::int64_t s = 0; s < last; ++s) arc += velocity(data, n, s);
  const double ends = std::sqrt(sum_over_units(
      data, [&](std::int64_t d) { return std::pow(data.at(n, last, d) - data.at(n, 0, d), 2); }));
  return ends > 0 ? arc / ends : not_a_number;
}

double row_mean(const Data& data, const RowMeasure& measure, std::int64_t s) {
  double sum = 0;
  double count = 0;
  for (std::int64_t n = 0; n < data.extent.samples; ++n) {
    if (std::isnan(measure(data, n, s))) continue;
    sum += measure(data, n, s);
    count += 1;
  }
  return count > 0 ? sum / count : not_a_number;
}

double row_deviation(const Data& data, const RowMeasure& measure, std::int64_t s) {
  const double centre = row_mean(data, measure, s);
  double sum = 0;
  double count = 0;
  for (std::int64_t n = 0; n < data.extent.samples; ++n) {
    if (std::isnan(measure(data, n, s))) continue;
    sum += std::pow(measure(data, n, s) - centre, 2);
    count += 1;
  }
  return count > 1 ? std::sqrt(sum / (count - 1)) : not_a_number;
}

Covariance::Covariance(const Data& data, std::int64_t s) : matrix(data.extent.units, data.extent.units) {
  for (std::int64_t d = 0; d < data.extent.units; ++d) {
    for (std::int64_t e = 0; e <= d; ++e) matrix(d, e) = matrix(e, d) = covariance(data, s, d, s, e);
  }
  eigenvalue = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(matrix).eigenvalues().reverse();
}

double Covariance::trace() const {
  return matrix.trace();
}

double Covariance::participation_ratio() const {
  return std::pow(matrix.trace(), 2) / matrix.squaredNorm();
}

double Covariance::participation_ratio_corrected(std::int64_t samples) const {
  const double m = static_cast<double>(samples - 1);
  const double square = matrix.squaredNorm();
  return std::pow(trace(), 2) / (m * m / ((m - 1) * (m + 2)) * (square - trace() * trace() / m));
}

double Covariance::participation_ratio_standardised() const {
  double varying = 0;
  double squares = 0;
  for (Eigen::Index i = 0; i < matrix.rows(); ++i) {
    if (matrix(i, i) == 0) continue;
    varying += 1;
    for (Eigen::Index j = 0; j < matrix.rows(); ++j) {
      if (matrix(j, j) != 0) squares += std::pow(matrix(i, j), 2) / (matrix(i, i) * matrix(j, j));
    }
  }
  return varying * varying / squares;
}

double Covariance::effective_rank() const {
  double entropy = 0;
  for (const double value : eigenvalue) {
    const double share = value / eigenvalue.sum();
    if (share > 1e-15) entropy -= share * std::log(share);
  }
  return std::exp(entropy);
}

double Covariance::top_unit_share() const {
  return matrix.diagonal().maxCoeff() / trace();
}

int Covariance::components_for(double share) const {
  double reached = 0;
  for (int i = 0; i < eigenvalue.size(); ++i) {
    reached += eigenvalue(i);
    if (reached >= share * eigenvalue.sum()) return i + 1;
  }
  return static_cast<int>(eigenvalue.size());
}

}  // namespace orrery::statistics::reference
