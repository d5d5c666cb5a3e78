#include "orrery/statistics/geometry.hpp"

#include "tests/statistics/data.hpp"
#include "tests/statistics/reference.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <Eigen/QR>
#include <Eigen/SVD>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr double right_angle = std::numbers::pi / 2;

/// What the geometry of some data comes from, and its scores.
struct Analysis {
  Analysis(const Communicator& ranks, const Data& data, std::int64_t components, int threads = 2)
      : shard(by_point(ranks, testing::deal(ranks, data, at::kFloat, 5), data.extent)),
        points(point_statistics(ranks, shard, data.extent, components, threads)) {
    const at::Tensor mean = pooled_mean(ranks, points.mean);
    pooled = pooled_components(ranks, data.extent, std::ssize(shard.points), scatter_of_rows(shard, mean),
                               mean, components, threads);
    scores = pooled_scores(ranks, shard, pooled, threads);
  }
  PointShard shard;
  PointStatistics points;
  PooledComponents pooled;
  PooledScores scores;
};

/// V(x − μ), one number at a time.
double plain_score(const Data& data, const PooledComponents& pooled, std::int64_t n, std::int64_t s,
                   std::int64_t mode) {
  double sum = 0;
  for (std::int64_t d = 0; d < data.extent.units; ++d) {
    sum += pooled.component.const_data_ptr<double>()[mode * data.extent.units + d] *
           (data.at(n, s, d) - pooled.mean.const_data_ptr<double>()[d]);
  }
  return sum;
}

/// The scores as data whose units are the modes.
Data plain_scores(const Data& data, const PooledComponents& pooled) {
  Data z = testing::zeros({data.extent.samples, data.extent.points, pooled.component.size(0)});
  for (std::int64_t n = 0; n < z.extent.samples; ++n) {
    for (std::int64_t s = 0; s < z.extent.points; ++s) {
      for (std::int64_t i = 0; i < z.extent.units; ++i) z.at(n, s, i) = plain_score(data, pooled, n, s, i);
    }
  }
  return z;
}

// Scores are sums of at most 150 terms, the largest near 300 on the scale of one unit's mean: about 300 ·
// 2⁻⁵³ · 150.
constexpr double score_tolerance = 1e-11;

TEST(Geometry, ScoresAndTheirSummariesAgreeWithPlainSums) {
  const Communicator ranks = Communicator::world();
  for (const Extent& extent : {Extent{23, 5, 60}, {4, 3, 40}, {300, 3, 9}, {20, 3, 150}, {1, 3, 6}}) {
    const Data data = testing::walk(extent, 31);
    const Analysis run(ranks, data, 8);
    const Data z = plain_scores(data, run.pooled);
    const std::int64_t modes = z.extent.units;
    for (std::size_t p = 0; p < run.shard.points.size(); ++p) {
      for (std::int64_t n = 0; n < extent.samples; ++n) {
        for (std::int64_t i = 0; i < modes; ++i) {
          EXPECT_NEAR(run.scores.score.const_data_ptr<double>()[(p * extent.samples + n) * modes + i],
                      z.at(n, run.shard.points[p].value(), i), score_tolerance);
        }
      }
    }
    EXPECT_EQ(run.scores.mean_score.defined(), ranks.is_root());
    if (!ranks.is_root()) continue;
    const auto* mean = run.scores.mean_score.const_data_ptr<double>();
    const auto* range = run.scores.score_range.const_data_ptr<double>();
    for (std::int64_t s = 0; s < extent.points; ++s) {
      for (std::int64_t i = 0; i < modes; ++i) {
        std::vector<double> column;
        for (std::int64_t n = 0; n < extent.samples; ++n) column.push_back(z.at(n, s, i));
        const auto [least, greatest] = std::minmax_element(column.begin(), column.end());
        EXPECT_NEAR(mean[s * modes + i], reference::mean(z, s, i), score_tolerance);
        EXPECT_NEAR(range[s * modes + i], *least, score_tolerance);
        EXPECT_NEAR(range[(extent.points + s) * modes + i], *greatest, score_tolerance);
      }
    }
  }
}

TEST(Geometry, EqualRowsHaveEqualScores) {
  // 203 rows: beyond a block, and no multiple of what a product's kernel takes at once. 9 and 71 units: every
  // other row of a plain product would be aligned in another way.
  for (const std::int64_t units : {9, 70, 71}) {
    Data data = testing::noise({203, 3, units}, 32);
    for (std::int64_t n = 0; n < 203; ++n) {
      for (std::int64_t d = 0; d < units; ++d) data.at(n, 1, d) = data.at(0, 1, d);
    }
    const Analysis run(Communicator::self(), data, 5);
    const double* z = run.scores.score.const_data_ptr<double>() + 203 * 5;
    for (std::int64_t n = 1; n < 203; ++n) {
      EXPECT_TRUE(std::equal(z, z + 5, z + n * 5)) << "row " << n << " of " << units << " units";
      EXPECT_TRUE(testing::same_bits(scores_of(run.shard.x.select(0, 1).narrow(0, n, 1), run.pooled),
                                     run.scores.score.select(0, 1).narrow(0, n, 1)));
    }
  }
}

TEST(Geometry, PlaneCurvatureIsThatOfTwoScores) {
  const Communicator ranks = Communicator::world();
  for (const Extent& extent : {Extent{23, 5, 60}, {40, 9, 7}, {3, 3, 9}, {3, 2, 9}, {3, 1, 9}}) {
    const Data data = testing::walk(extent, 33);
    const Analysis run(ranks, data, 5);
    const RowSeries got = plane_curvature(ranks, run.scores.score, extent);
    if (!ranks.is_root()) {
      EXPECT_TRUE(got.rows.empty());
      continue;
    }
    Data plane = testing::zeros({extent.samples, extent.points, 2});
    for (std::int64_t n = 0; n < extent.samples; ++n) {
      for (std::int64_t s = 0; s < extent.points; ++s) {
        for (std::int64_t i = 0; i < 2; ++i) plane.at(n, s, i) = plain_score(data, run.pooled, n, s, i);
      }
    }
    const std::int64_t bends = std::max<std::int64_t>(0, extent.points - 2);
    ASSERT_EQ(got.length, bends);
    ASSERT_EQ(std::ssize(got.mean), bends);
    for (std::int64_t s = 0; s < bends; ++s) {  // steps are of size 0.1 and more
      EXPECT_NEAR(got.mean[s], reference::row_mean(plane, reference::curvature, s), 1e-9);
      EXPECT_NEAR(got.standard_deviation[s], reference::row_deviation(plane, reference::curvature, s), 1e-9);
    }
  }
}

TEST(Geometry, BendsOfAPathInThePlane) {
  const std::vector<double> plane = {0, 0, 1, 1, 3, 3, 2, 4, 2, 4, 0, 0, 1, 2};
  std::vector<double> bends(5);
  plane_bends(plane, bends);
  EXPECT_NEAR(bends[0], 0, 1e-15);
  EXPECT_NEAR(bends[1], right_angle, 1e-15);
  EXPECT_TRUE(std::isnan(bends[2]) && std::isnan(bends[3]));  // onto the same place, and away from it
  EXPECT_NEAR(bends[4], std::numbers::pi, 1e-15);
}

TEST(Geometry, NoPlaneWithOneComponentOrRank) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::noise({4, 3, 6}, 34);
  const Analysis one(ranks, data, 1);
  Data line = data;  // all rows on one line: the pooled rank is 1
  for (std::int64_t n = 0; n < 4; ++n) {
    for (std::int64_t s = 0; s < 3; ++s) {
      for (std::int64_t d = 0; d < 6; ++d) line.at(n, s, d) = static_cast<double>((d + 1) * (n * n + 2 * s));
    }
  }
  const Analysis flat(ranks, line, 3);
  for (const Analysis* run : {&one, &flat}) {
    const RowSeries got = plane_curvature(ranks, run->scores.score, data.extent);
    if (ranks.is_root()) {
      EXPECT_TRUE(std::isnan(got.mean[0]));
    }
  }
}

/// Components (1, k, D) of a single point, as a rank's piece of them.
PointStatistics owner_of(const Communicator& ranks, const std::vector<Matrix>& spans) {
  const std::int64_t count = std::ssize(spans);
  const std::int64_t begin = count * ranks.rank() / ranks.size();
  const std::int64_t end = count * (ranks.rank() + 1) / ranks.size();
  PointStatistics points;
  points.component = at::empty({end - begin, spans[0].rows(), spans[0].cols()}, at::kDouble);
  double* to = points.component.mutable_data_ptr<double>();
  for (std::int64_t s = begin; s < end; ++s) {
    points.points.emplace_back(s);
    to = std::copy_n(spans[s].data(), spans[s].size(), to);
  }
  return points;
}

/// `count` orthonormal rows in R^D.
Matrix random_span(std::int64_t count, std::int64_t units, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> draw;
  Eigen::MatrixXd matrix(units, count);
  for (double& value : matrix.reshaped()) value = draw(generator);
  return (Eigen::HouseholderQR<Eigen::MatrixXd>(matrix).householderQ() *
          Eigen::MatrixXd::Identity(units, count))
      .transpose();
}

TEST(Geometry, AnglesOfEqualAndOfOrthogonalSubspaces) {
  const Communicator ranks = Communicator::world();
  const Matrix all = random_span(6, 40, 1);
  const Matrix turned = random_span(3, 3, 2) * all.topRows(3);  // another basis of the same subspace
  const at::Tensor got =
      principal_angles(ranks, owner_of(ranks, {all.topRows(3), turned, all.bottomRows(3)}), 2);
  EXPECT_EQ(got.defined(), ranks.is_root());
  if (!ranks.is_root()) return;
  for (int i = 0; i < 3; ++i) {
    EXPECT_LE(got.const_data_ptr<double>()[i], 1e-14);
    EXPECT_GE(got.const_data_ptr<double>()[i], 0);
    EXPECT_NEAR(got.const_data_ptr<double>()[3 + i], right_angle, 1e-14);
  }
}

TEST(Geometry, KnownAnglesSmallAndLarge) {
  const Communicator alone = Communicator::self();
  const std::vector<double> expected = {1e-9, 0.3, 0.785, 0.786, 1.5};
  const std::int64_t count = std::ssize(expected);
  const Matrix all = random_span(2 * count, 60, 3);
  Matrix other(count, 60);
  for (std::int64_t i = 0; i < count; ++i) {
    other.row(i) = std::cos(expected[i]) * all.row(i) + std::sin(expected[i]) * all.row(count + i);
  }
  const Matrix mixed = random_span(count, count, 4) * other;
  const at::Tensor got = principal_angles(alone, owner_of(alone, {all.topRows(count), mixed}), 1);
  for (std::int64_t i = 0; i < count; ++i) EXPECT_NEAR(got.const_data_ptr<double>()[i], expected[i], 1e-14);
}

/// By the arc cosine alone: good to 1e-8 where angles are small.
std::vector<double> plain_angles(const Eigen::MatrixXd& one, const Eigen::MatrixXd& other) {
  const Eigen::VectorXd cosine = Eigen::JacobiSVD<Eigen::MatrixXd>(one * other.transpose()).singularValues();
  std::vector<double> angles;
  for (const double value : cosine) angles.push_back(std::acos(std::min(1.0, value)));
  return angles;
}

TEST(Geometry, PrincipalAnglesOfPointsOfDifferentRank) {
  // Point 1 has four distinct rows, point 2 two: ranks 3 and 1.
  const Communicator ranks = Communicator::world();
  Data data = testing::noise({30, 5, 20}, 35);
  for (std::int64_t n = 0; n < 30; ++n) {
    for (std::int64_t d = 0; d < 20; ++d) {
      data.at(n, 1, d) = data.at(n % 4, 1, d);
      data.at(n, 2, d) = data.at(n % 2, 2, d);
    }
  }
  const Analysis run(ranks, data, 6);
  const Analysis alone(Communicator::self(), data, 6);
  const at::Tensor got = principal_angles(ranks, run.points, 2);
  if (!ranks.is_root()) return;
  ASSERT_EQ(got.sizes(), (std::vector<std::int64_t>{4, 6}));
  const std::vector<std::int64_t> dimensions = {3, 1, 1, 6};
  for (std::int64_t s = 0; s < 4; ++s) {
    const auto span = [&](std::int64_t point) {
      return Eigen::Map<const Matrix>(alone.points.component.const_data_ptr<double>() + point * 6 * 20,
                                      dimensions[s], 20);
    };
    const std::vector<double> expected = plain_angles(span(s), span(s + 1));
    for (std::int64_t i = 0; i < 6; ++i) {
      const double angle = got.const_data_ptr<double>()[s * 6 + i];
      if (i >= dimensions[s]) {
        EXPECT_TRUE(std::isnan(angle));
      } else {
        EXPECT_NEAR(angle, expected[i], 1e-7);
      }
    }
  }
}

TEST(Geometry, NoAnglesWithOneRow) {
  const Communicator ranks = Communicator::world();
  const Analysis run(ranks, testing::noise({1, 3, 6}, 36), 4);
  const at::Tensor got = principal_angles(ranks, run.points, 2);
  if (ranks.is_root()) {
    EXPECT_EQ(got.sizes(), (std::vector<std::int64_t>{2, 0}));
  }
}

TEST(Geometry, SameBitsForAnyRanksAndThreads) {
  const Communicator ranks = Communicator::world();
  const Communicator alone = Communicator::self();
  for (const Extent& extent : {Extent{140, 7, 50}, {20, 3, 150}}) {
    const Data data = testing::walk(extent, 37);
    const Analysis plain(alone, data, 8, 1);
    const at::Tensor angles = principal_angles(alone, plain.points, 1);
    const RowSeries bends = plane_curvature(alone, plain.scores.score, extent);
    for (const int threads : {1, 3}) {
      const Analysis run(ranks, data, 8, threads);
      for (std::size_t p = 0; p < run.shard.points.size(); ++p) {
        EXPECT_TRUE(testing::same_bits(run.scores.score.select(0, static_cast<std::int64_t>(p)),
                                       plain.scores.score.select(0, run.shard.points[p].value())));
      }
      const at::Tensor got_angles = principal_angles(ranks, run.points, threads);
      const RowSeries got_bends = plane_curvature(ranks, run.scores.score, extent);
      if (!ranks.is_root()) continue;
      EXPECT_TRUE(testing::same_bits(run.scores.mean_score, plain.scores.mean_score));
      EXPECT_TRUE(testing::same_bits(run.scores.score_range, plain.scores.score_range));
      EXPECT_TRUE(testing::same_bits(got_angles, angles));
      EXPECT_EQ(got_bends.rows, bends.rows);
      EXPECT_EQ(got_bends.mean, bends.mean);
      EXPECT_EQ(got_bends.standard_deviation, bends.standard_deviation);
    }
  }
}

}  // namespace
}  // namespace orrery::statistics
