#include "orrery/statistics/point_statistics.hpp"

#include "tests/statistics/data.hpp"
#include "tests/statistics/eigenvectors.hpp"
#include "tests/statistics/reference.hpp"

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;
using testing::expect_eigenvectors;
using testing::tolerance;

PointStatistics compute(const Communicator& ranks, const Data& data, std::int64_t components,
                        at::ScalarType dtype = at::kFloat) {
  const SampleShard rows = testing::deal(ranks, data, dtype, 9);
  return point_statistics(ranks, by_point(ranks, rows, data.extent), data.extent, components, 2);
}

void expect_near(double value, double expected) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(value)) << value;
  } else {
    EXPECT_NEAR(value, expected, 1e-11 * std::abs(expected));
  }
}

void expect_points(const PointStatistics& got, const Data& data, std::int64_t components) {
  const Extent& extent = data.extent;
  const std::int64_t values = std::min(extent.samples - 1, extent.units);
  const std::int64_t vectors = std::min(components, values);
  ASSERT_EQ(got.eigenvalue.size(1), values);
  ASSERT_EQ(got.component.size(1), vectors);
  for (std::size_t p = 0; p < got.points.size(); ++p) {
    const reference::Covariance covariance(data, got.points[p].value());
    const double* eigenvalue = got.eigenvalue.const_data_ptr<double>() + p * values;
    std::int64_t rank = 0;
    for (std::int64_t i = 0; i < values; ++i) {
      EXPECT_NEAR(eigenvalue[i], covariance.eigenvalue(i), tolerance * covariance.eigenvalue(0));
      rank += eigenvalue[i] > 0 ? 1 : 0;
    }
    EXPECT_TRUE(std::is_sorted(eigenvalue, eigenvalue + values, std::greater<>()));
    const double* component = got.component.const_data_ptr<double>() + p * vectors * extent.units;
    expect_eigenvectors(component, eigenvalue, vectors, rank, covariance.matrix);
    for (std::int64_t d = 0; d < extent.units; ++d) {
      const double mean = reference::mean(data, got.points[p].value(), d);
      EXPECT_NEAR(got.mean.const_data_ptr<double>()[p * extent.units + d], mean,
                  1e-14 * std::max(1.0, std::abs(mean)));
    }
  }
}

void expect_spectra(const PointStatistics& got, const Data& data) {
  ASSERT_EQ(std::ssize(got.spectrum), data.extent.points);
  for (std::int64_t s = 0; s < data.extent.points; ++s) {
    const reference::Covariance covariance(data, s);
    const Spectrum& spectrum = got.spectrum[s];
    expect_near(spectrum.total_variance, covariance.trace());
    expect_near(spectrum.participation_ratio, covariance.participation_ratio());
    if (data.extent.samples > 2) {
      expect_near(spectrum.participation_ratio_corrected,
                  covariance.participation_ratio_corrected(data.extent.samples));
    } else {
      EXPECT_TRUE(std::isnan(spectrum.participation_ratio_corrected));
    }
    expect_near(spectrum.participation_ratio_standardised, covariance.participation_ratio_standardised());
    expect_near(spectrum.effective_rank, covariance.effective_rank());
    expect_near(spectrum.top_unit_share, covariance.top_unit_share());
    for (std::size_t i = 0; i < variance_shares.size(); ++i) {
      EXPECT_EQ(spectrum.components_for[i], covariance.components_for(variance_shares[i]));
    }
  }
}

TEST(PointStatistics, AgreesWithThePlainCovariance) {
  const Communicator ranks = Communicator::world();
  for (const Extent& extent :
       {Extent{23, 5, 130}, {130, 3, 20}, {40, 3, 40}, {41, 3, 40}, {3, 3, 9}, {2, 3, 5}, {2, 2, 1}}) {
    for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
      const Data data = dtype == at::kFloat ? testing::walk(extent, 51) : testing::noise(extent, 52);
      const PointStatistics got = compute(ranks, data, 30, dtype);
      expect_points(got, data, 30);
      if (ranks.is_root()) expect_spectra(got, data);
    }
  }
}

/// The same from the plain reference's means and scatter matrices.
PointStatistics from_scatter(const Communicator& ranks, const Data& data, std::int64_t components) {
  const Extent& extent = data.extent;
  const std::vector<core::Point> points =
      by_point(ranks, testing::deal(ranks, data, at::kFloat, 9), extent).points;
  at::Tensor mean = at::empty({std::ssize(points), extent.units}, at::kDouble);
  for (std::size_t p = 0; p < points.size(); ++p) {
    for (std::int64_t d = 0; d < extent.units; ++d) {
      mean.mutable_data_ptr<double>()[p * extent.units + d] = reference::mean(data, points[p].value(), d);
    }
  }
  const auto scatter = [&](std::int64_t place) {
    const reference::Covariance covariance(data, points[place].value());
    at::Tensor matrix = at::empty({extent.units, extent.units}, at::kDouble);
    const Eigen::MatrixXd scaled = static_cast<double>(extent.samples - 1) * covariance.matrix;
    std::copy_n(scaled.data(), scaled.size(), matrix.mutable_data_ptr<double>());
    return PointScatter{matrix};
  };
  return point_statistics_of_scatter(ranks, points, mean, scatter, extent, components, 2);
}

TEST(PointStatistics, TheScatterMatrixGivesTheSame) {
  const Communicator ranks = Communicator::world();
  for (const Extent& extent :
       {Extent{23, 5, 60}, {130, 3, 20}, {40, 3, 40}, {41, 3, 40}, {3, 3, 9}, {2, 3, 5}, {2, 2, 1}}) {
    const Data data = testing::walk(extent, 53);
    const PointStatistics got = from_scatter(ranks, data, 30);
    expect_points(got, data, 30);
    if (!ranks.is_root()) continue;
    expect_spectra(got, data);
  }
}

TEST(PointStatistics, TheScatterMatrixOfOneRowOrOfFewDistinctOnes) {
  const Communicator alone = Communicator::self();
  const PointStatistics one = from_scatter(alone, testing::noise({1, 3, 6}, 1), 4);
  EXPECT_EQ(one.eigenvalue.size(1), 0);
  EXPECT_TRUE(std::isnan(one.spectrum[0].total_variance));
  Data data = testing::noise({30, 1, 20}, 61);
  for (std::int64_t n = 4; n < 30; ++n) {
    for (std::int64_t d = 0; d < 20; ++d) data.at(n, 0, d) = data.at(n % 4, 0, d);
  }
  const PointStatistics few = from_scatter(alone, data, 8);
  EXPECT_EQ(few.spectrum[0].rank, 3);
  expect_points(few, data, 8);
}

TEST(PointStatistics, OneRowHasNoSpectrum) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::noise({1, 3, 6}, 1);
  const PointStatistics got = compute(ranks, data, 4);
  EXPECT_EQ(got.eigenvalue.size(1), 0);
  EXPECT_EQ(got.component.size(1), 0);
  for (const Spectrum& spectrum : got.spectrum) {
    EXPECT_TRUE(std::isnan(spectrum.total_variance) && std::isnan(spectrum.participation_ratio));
    EXPECT_TRUE(std::isnan(spectrum.effective_rank) && std::isnan(spectrum.top_unit_share));
    EXPECT_EQ(spectrum.rank, 0);
    EXPECT_EQ(spectrum.components_for[0], 0);
  }
}

TEST(PointStatistics, EqualRowsHaveRankZero) {
  const Communicator alone = Communicator::self();
  for (const Extent& extent : {Extent{8, 1, 3}, {3, 1, 8}}) {
    Data data = testing::zeros(extent);
    std::fill(data.x.begin(), data.x.end(), 0.1);
    const PointStatistics got = compute(alone, data, 2, at::kDouble);
    EXPECT_EQ(got.spectrum[0].rank, 0);
    EXPECT_EQ(got.spectrum[0].total_variance, 0);
    EXPECT_TRUE(std::isnan(got.spectrum[0].participation_ratio));
    EXPECT_TRUE(std::isnan(got.spectrum[0].participation_ratio_corrected));
    EXPECT_TRUE(std::isnan(got.spectrum[0].participation_ratio_standardised));
    EXPECT_TRUE(std::isnan(got.spectrum[0].effective_rank) && std::isnan(got.spectrum[0].top_unit_share));
    EXPECT_EQ(got.spectrum[0].components_for[4], 0);
    for (const double value :
         {got.eigenvalue.const_data_ptr<double>()[0], got.eigenvalue.const_data_ptr<double>()[1]}) {
      EXPECT_EQ(value, 0);
    }
    EXPECT_TRUE(std::isnan(got.component.const_data_ptr<double>()[0]));
  }
}

TEST(PointStatistics, FewDistinctRowsHaveThatRank) {
  const Communicator alone = Communicator::self();
  for (const Extent& extent : {Extent{30, 1, 50}, {50, 1, 30}}) {
    Data data = testing::noise(extent, 61);
    for (std::int64_t n = 4; n < extent.samples; ++n) {
      for (std::int64_t d = 0; d < extent.units; ++d) data.at(n, 0, d) = data.at(n % 4, 0, d);
    }
    const PointStatistics got = compute(alone, data, 8);
    EXPECT_EQ(got.spectrum[0].rank, 3);  // four places, less their mean
    expect_points(got, data, 8);
  }
}

TEST(PointStatistics, SmallEigenvaluesKeepRightAngles) {
  // Spreads from 1 down to 1e-6, so eigenvalues to 1e-12 of the first: yᵀu alone is then far from
  // orthonormal.
  const Communicator alone = Communicator::self();
  for (const Extent& extent : {Extent{40, 1, 60}, {60, 1, 40}}) {
    Data data = testing::noise(extent, 62);
    for (std::int64_t n = 0; n < extent.samples; ++n) {
      for (std::int64_t d = 0; d < extent.units; ++d) {
        data.at(n, 0, d) *= std::pow(10.0, -6.0 * static_cast<double>(d % 30) / 29);
      }
    }
    const PointStatistics got = compute(alone, data, 39, at::kDouble);
    EXPECT_EQ(got.spectrum[0].rank, std::min(extent.samples - 1, extent.units));
    expect_points(got, data, 39);
  }
}

TEST(PointStatistics, IsotropicRowsHaveAllDimensionsOnceCorrected) {
  const Communicator ranks = Communicator::world();
  for (const Extent& extent : {Extent{60, 4, 200}, {400, 4, 50}}) {
    const Data data = testing::noise(extent, 63);
    const PointStatistics got = compute(ranks, data, 1);
    const double dimensions = static_cast<double>(extent.units);
    const double freedom = static_cast<double>(extent.samples - 1);
    for (const Spectrum& spectrum : got.spectrum) {
      // Spread of the estimate about D is near 2D/M: 7 and 0.25 here; three times that.
      EXPECT_NEAR(spectrum.participation_ratio_corrected, dimensions, 6 * dimensions / freedom);
      EXPECT_NEAR(spectrum.participation_ratio, dimensions * freedom / (dimensions + freedom + 1),
                  0.05 * dimensions);
    }
  }
}

TEST(PointStatistics, SignsByTheLargestEntryAndTheFirstOfEquals) {
  // Two samples differ by (−1, 1, 1, −1), or by its opposite: either way the first entry is made positive.
  const Communicator alone = Communicator::self();
  for (const double direction : {1.0, -1.0}) {
    Data data = testing::zeros({2, 1, 4});
    data.x = {0, 0, 0, 0, -direction, direction, direction, -direction};
    const PointStatistics got = compute(alone, data, 1);
    const double* v = got.component.const_data_ptr<double>();
    for (const auto& [entry, expected] :
         {std::pair(0, 0.5), std::pair(1, -0.5), std::pair(2, -0.5), std::pair(3, 0.5)}) {
      EXPECT_NEAR(v[entry], expected, 1e-15);
    }
    EXPECT_DOUBLE_EQ(got.eigenvalue.const_data_ptr<double>()[0], 2);  // half of the squared distance 4
    EXPECT_DOUBLE_EQ(got.spectrum[0].participation_ratio, 1);
    EXPECT_DOUBLE_EQ(got.spectrum[0].top_unit_share, 0.25);
  }
}

}  // namespace
}  // namespace orrery::statistics
