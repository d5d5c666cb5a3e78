#include "tests/statistics/flow_agreement.hpp"

#include "orrery/statistics/linear_flow.hpp"
#include "orrery/statistics/quanta.hpp"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace orrery::statistics::testing {
namespace {

using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

double entry(const at::Tensor& table, std::int64_t line, std::int64_t column) {
  return table[line][column].item<double>();
}

/// How far streaming may be from a flow step of kept rows: its scores are off by at most `error` and
/// `next_error` in all (Frobenius). Where the map is singular, its eigenvalues may have no bound to speak of.
class FlowBound {
  static constexpr double rounding = 1e-12;

 public:
  FlowBound(const at::Tensor& here, const at::Tensor& next, double error, double next_error) {
    const Eigen::MatrixXd z = centred(here);
    const Eigen::MatrixXd w = centred(next);
    const Eigen::JacobiSVD<Eigen::MatrixXd> svd(z);
    double least = svd.singularValues()(0);
    for (const double value : svd.singularValues()) {
      if (value > 1e-10 * svd.singularValues()(0)) least = value;
    }
    if (least == 0) return;  // a map of 0, and no score but the mean
    Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> solver;
    solver.setThreshold(1e-10);
    const Eigen::MatrixXd map = solver.compute(z).solve(w).transpose();
    const Eigen::MatrixXcd vectors = Eigen::EigenSolver<Eigen::MatrixXd>(map).eigenvectors();
    const Eigen::JacobiSVD<Eigen::MatrixXcd> basis(vectors);
    const double condition = basis.singularValues()(0) / basis.singularValues().tail(1)(0);
    // To first order, and twice that.
    const double of_map = 2 * (next_error + map.norm() * error) / least;
    eigenvalue = condition * of_map + rounding * condition;  // Bauer and Fike
    explained = 4 * (error / least + next_error / w.norm()) + rounding;
    persistence =
        4 * (1 + (w - z).norm() / w.norm()) * (error + next_error) / w.norm() * (w - z).norm() / w.norm() +
        rounding;
  }
  double eigenvalue = rounding;
  double explained = rounding;
  double persistence = rounding;

 private:
  static Eigen::MatrixXd centred(const at::Tensor& score) {
    const at::Tensor all = score.contiguous();
    const Rows rows = Eigen::Map<const Rows>(all.const_data_ptr<double>(), all.size(0), all.size(1));
    return rows.rowwise() - rows.colwise().mean();
  }
};

/// What the scores of a point's leading components may be rounded by, over all rows.
double score_error(const PooledComponents& components, const TraceMoments& kept, const Data& data,
                   std::int64_t s, std::int64_t leading) {
  double squares = 0;
  for (std::int64_t i = 0; i < leading; ++i) {
    double farthest = 0;
    for (std::int64_t d = 0; d < data.extent.units; ++d) {
      double far = 0;
      for (std::int64_t n = 0; n < data.extent.samples; ++n) {
        far = std::max(far, std::abs(data.at(n, s, d) - entry(kept.units.mean, s, d)));
      }
      const double away = entry(kept.units.mean, s, d) - components.mean[d].item<double>();
      far += 0x1p-48 * std::abs(away);  // of scores and their means
      farthest += std::abs(entry(components.component, i, d)) * far;
    }
    squares +=
        std::pow(farthest / Quanta::headroom, 2);  // a quantum is twice that at most, and the error half
  }
  return std::sqrt(squares * static_cast<double>(data.extent.samples));
}

/// Each eigenvalue has one of the other list nearby.
void expect_spectrum(const FlowStep& got, const FlowStep& kept, double allowed) {
  ASSERT_EQ(got.eigenvalue.size(), kept.eigenvalue.size());
  for (std::size_t i = 0; i < got.eigenvalue.size(); ++i) {
    ASSERT_EQ(std::isnan(got.eigenvalue[i].real()), std::isnan(kept.eigenvalue[i].real())) << i;
    if (std::isnan(kept.eigenvalue[i].real())) continue;
    double nearest = INFINITY;
    for (const auto& value : got.eigenvalue)
      nearest = std::fmin(nearest, std::abs(value - kept.eigenvalue[i]));
    EXPECT_LE(nearest, allowed) << kept.eigenvalue[i];
  }
}

}  // namespace

void expect_flow(const std::vector<FlowStep>& got, const at::Tensor& score, const TraceMoments& kept,
                 const Data& data, const PooledComponents& pooled) {
  const std::vector<FlowStep> expected = linear_flow(parallel::Communicator::self(), score, 1);
  ASSERT_EQ(got.size(), expected.size());
  std::int64_t defined = 0;
  while (defined < score.size(2) && !std::isnan(pooled.component[defined][0].item<double>())) ++defined;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto step = static_cast<std::int64_t>(i);
    SCOPED_TRACE("step " + std::to_string(step));
    const auto scores = [&](std::int64_t s) { return score[s].narrow(1, 0, defined); };
    const auto error = [&](std::int64_t s) { return score_error(pooled, kept, data, s, defined); };
    if (std::isnan(expected[i].explained)) {
      expect_spectrum(got[i], expected[i], 0);
      EXPECT_TRUE(std::isnan(got[i].explained) && std::isnan(got[i].persistence));
      continue;
    }
    const FlowBound bound(scores(step), scores(step + 1), error(step), error(step + 1));
    EXPECT_LT(std::max({bound.explained, bound.persistence}), 0.1);  // or it says nothing
    expect_spectrum(got[i], expected[i], bound.eigenvalue);
    EXPECT_NEAR(got[i].explained, expected[i].explained, bound.explained);
    EXPECT_NEAR(got[i].persistence, expected[i].persistence, bound.persistence);
  }
}

}  // namespace orrery::statistics::testing
