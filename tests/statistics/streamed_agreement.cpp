#include "tests/statistics/streamed_agreement.hpp"

#include "orrery/statistics/row_statistic.hpp"
#include "tests/statistics/flow_agreement.hpp"
#include "tests/statistics/reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace orrery::statistics::testing {
namespace {

using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// What design.md allows between kept rows and streaming, in spreads of the units.
constexpr double exactness = 1e-6;
// Sums of some hundred terms, rounded in another order.
constexpr double rounding = 1e-12;
// Of turns, whose angles stand on steps of the mean trajectory that are off by 10⁻⁶ spreads.
constexpr double turned = 1e-3;

bool near(double value, double expected, double allowed) {
  return std::isnan(expected) ? std::isnan(value) : std::abs(value - expected) <= allowed;
}

/// `allowed(expected)` is the tolerance of a number.
template <class Allowed>
void expect_list(const std::vector<double>& got, const std::vector<double>& expected, const char* what,
                 const Allowed& allowed) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(near(got[i], expected[i], allowed(expected[i])))
        << what << ' ' << i << ": " << got[i] << " for " << expected[i];
  }
}

void expect_within(const std::vector<double>& got, const std::vector<double>& expected, double allowed,
                   const char* what) {
  expect_list(got, expected, what, [&](double) { return allowed; });
}

void expect_rounded(const std::vector<double>& got, const std::vector<double>& expected, const char* what) {
  expect_list(got, expected, what, [](double value) { return rounding * (std::abs(value) + 0.01); });
}

/// The column of unit d in the table of one rank, which has all.
double entry(const at::Tensor& table, std::int64_t line, std::int64_t column) {
  return table[line][column].item<double>();
}

double spread(const at::Tensor& variance, std::int64_t s, std::int64_t d) {
  const double value = entry(variance, s, d);
  return value > 0 ? std::sqrt(value) : 0;
}

void expect_units(const UnitStatistics& got, const UnitStatistics& kept) {
  for (std::int64_t u = 0; u < std::ssize(got.units); ++u) {
    const std::int64_t d = got.units[u];
    for (std::int64_t s = 0; s < got.mean.size(0); ++s) {
      const double mean = entry(kept.mean, s, d);
      const double variance = entry(kept.variance, s, d);
      const double allowed = exactness * spread(kept.variance, s, d) + 1e-15 * std::abs(mean);
      EXPECT_TRUE(near(entry(got.mean, s, u), mean, allowed)) << s << ' ' << d;
      EXPECT_TRUE(near(entry(got.variance, s, u), variance, exactness * variance)) << s << ' ' << d;
      if (s + 1 == got.mean.size(0)) continue;
      EXPECT_TRUE(
          near(entry(got.adjacent_correlation, s, u), entry(kept.adjacent_correlation, s, d), exactness));
    }
  }
}

void expect_means_over_units(const TraceMoments& got, const TraceMoments& kept) {
  expect_within(got.units.correlation, kept.units.correlation, exactness, "correlation");
  EXPECT_EQ(got.units.correlation_units, kept.units.correlation_units);
  expect_within(got.units.residual_null, kept.units.residual_null, exactness, "null");
  EXPECT_TRUE(got.units.adjacent_left_out.empty() && got.units.residual_null_left_out.empty());
}

void expect_series(const RowSeries& got, const RowSeries& kept, const char* what) {
  EXPECT_EQ(got.length, kept.length);
  expect_rounded(got.mean, kept.mean, what);
  ASSERT_EQ(got.standard_deviation.size(), kept.standard_deviation.size()) << what;
  for (std::size_t i = 0; i < got.mean.size(); ++i) {  // of equal numbers it is exactly 0 in streaming alone
    const double allowed = rounding * std::abs(kept.standard_deviation[i]) + 1e-14 * std::abs(kept.mean[i]);
    EXPECT_TRUE(near(got.standard_deviation[i], kept.standard_deviation[i], allowed)) << what << ' ' << i;
  }
}

void expect_rows(const SampleStatistics& got, const SampleStatistics& kept, bool every_token) {
  ASSERT_EQ(got.series.size(), kept.series.size());
  for (const auto& [path, series] : got.series) {
    expect_series(series, kept.of(path), path.c_str());
    if (path != row_straightness || every_token) {
      EXPECT_TRUE(series.rows.empty()) << path;
    } else {
      expect_within(series.rows, kept.of(path).rows, 0, path.c_str());
    }
  }
  expect_series(got.permuted_cosine, kept.permuted_cosine, "permuted cosine");
  expect_series(got.permuted_velocity, kept.permuted_velocity, "permuted velocity");
  expect_rounded(got.acceleration, kept.acceleration, "acceleration");
}

void expect_control(const Control& got, const Control& kept, const char* what) {
  expect_within(got.units.correlation, kept.units.correlation, exactness, what);
  expect_within(got.units.turns, kept.units.turns, turned, what);
  expect_rounded(got.steps.cosine, kept.steps.cosine, what);
  expect_rounded(got.steps.velocity, kept.steps.velocity, what);
}

void expect_absent(const Control& control) {
  EXPECT_TRUE(control.units.correlation.empty() && control.units.turns.empty());
  EXPECT_TRUE(control.steps.cosine.empty() && control.steps.velocity.empty());
}

/// Eigenvalues, rank and vectors of one PCA, streamed and from kept rows, of rows with that covariance.
void expect_components(const at::Tensor& eigenvalue, const at::Tensor& component, const at::Tensor& kept,
                       const at::Tensor& kept_component, const Eigen::MatrixXd& covariance) {
  ASSERT_EQ(eigenvalue.sizes(), kept.sizes());
  ASSERT_EQ(component.sizes(), kept_component.sizes());
  for (std::int64_t i = 0; i < kept.numel(); ++i) {
    const double value = eigenvalue[i].item<double>();
    const double expected = kept[i].item<double>();
    EXPECT_LE(std::abs(value - expected), exactness * kept[0].item<double>()) << i;
    EXPECT_EQ(value > 0, expected > 0) << i << ": " << value << " for " << expected;
  }
  const Eigen::Map<const Rows> rows(component.const_data_ptr<double>(), component.size(0), component.size(1));
  std::int64_t valid = 0;
  for (std::int64_t i = 0; i < component.size(0); ++i) {
    const bool expected = !std::isnan(entry(kept_component, i, 0));
    EXPECT_EQ(!rows.row(i).array().isNaN().any(), expected) << i;
    EXPECT_EQ(!rows.row(i).array().isNaN().all(), expected) << i;
    valid += expected ? 1 : 0;
  }
  const Rows v = rows.topRows(valid);
  EXPECT_TRUE((v * v.transpose()).isIdentity(1e-13));
  for (std::int64_t i = 0; i < valid; ++i) {  // (C − C′)v, with |C − C′| at most 10⁻⁶ σ_i σ_j in each place
    const Eigen::VectorXd rest =
        covariance * v.row(i).transpose() - eigenvalue[i].item<double>() * v.row(i).transpose();
    EXPECT_LE(rest.norm(), 2 * exactness * covariance.trace()) << i;
    Eigen::Index largest = 0;
    v.row(i).cast<float>().cwiseAbs().maxCoeff(&largest);
    EXPECT_GT(v(i, largest), 0);
  }
}

void expect_points(const PointStatistics& got, const PointStatistics& kept, const Data& data) {
  for (std::int64_t p = 0; p < std::ssize(got.points); ++p) {
    const std::int64_t s = got.points[p].value();
    SCOPED_TRACE("point " + std::to_string(s));
    const reference::Covariance covariance(data, s);
    for (std::int64_t d = 0; d < data.extent.units; ++d) {
      const double mean = entry(kept.mean, s, d);
      const double deviation = data.extent.samples > 1 ? std::sqrt(covariance.matrix(d, d)) : 0;
      EXPECT_LE(std::abs(entry(got.mean, p, d) - mean), exactness * deviation + 1e-15 * std::abs(mean));
    }
    expect_components(got.eigenvalue[p], got.component[p], kept.eigenvalue[s], kept.component[s],
                      covariance.matrix);
  }
}

/// With entries of C exact to 10⁻⁶ σ_i σ_j, tr C² is to 2·10⁻⁶ √PR of itself.
void expect_spectra(const std::vector<Spectrum>& got, const std::vector<Spectrum>& kept, const Data& data) {
  ASSERT_EQ(got.size(), kept.size());
  const double freedom = static_cast<double>(data.extent.samples - 1);
  for (std::size_t s = 0; s < got.size(); ++s) {
    SCOPED_TRACE("point " + std::to_string(s));
    const Spectrum& expected = kept[s];
    const auto expect = [&](double Spectrum::*number, double share) {
      EXPECT_TRUE(near(got[s].*number, expected.*number, share * std::abs(expected.*number)))
          << got[s].*number << " for " << expected.*number;
    };
    const double ratio = 2 * exactness * (1 + std::sqrt(expected.participation_ratio));
    expect(&Spectrum::total_variance, exactness);
    expect(&Spectrum::participation_ratio, ratio);
    expect(&Spectrum::participation_ratio_corrected,
           ratio / (1 - expected.participation_ratio / freedom));  // what is taken from tr C²
    expect(&Spectrum::participation_ratio_standardised,
           2 * exactness * std::sqrt(expected.participation_ratio_standardised));
    // −δ log δ for each eigenvalue that is off by δ of the whole.
    expect(&Spectrum::effective_rank, 15 * exactness * expected.rank);
    expect(&Spectrum::top_unit_share, 2 * exactness);
    EXPECT_EQ(got[s].rank, expected.rank);
    EXPECT_EQ(got[s].components_for, expected.components_for);
  }
}

/// How far the span of a point's leading `count` vectors turns (Davis and Kahan).
double turn_of_span(const at::Tensor& eigenvalue, std::int64_t count, double trace) {
  const double next = count < eigenvalue.numel() ? eigenvalue[count].item<double>() : 0;
  return 2 * exactness * trace / (eigenvalue[count - 1].item<double>() - next);
}

/// (P − 1, k)
void expect_angles(const std::vector<double>& got, const std::vector<double>& angles,
                   const TraceMoments& kept) {
  ASSERT_EQ(got.size(), angles.size());
  const std::int64_t modes = kept.points.component.size(1);
  for (std::int64_t i = 0; i < std::ssize(got); ++i) {
    const std::int64_t step = i / modes;
    double allowed = 1e-12;
    for (const std::int64_t s : {step, step + 1}) {
      const Spectrum& spectrum = kept.points.spectrum[s];
      const std::int64_t count = std::min<std::int64_t>(spectrum.rank, modes);
      if (count > 0) allowed += turn_of_span(kept.points.eigenvalue[s], count, spectrum.total_variance);
    }
    EXPECT_TRUE(near(got[i], angles[i], allowed)) << step << ": " << got[i] << " for " << angles[i];
  }
}

/// What rests on the moments, by its dataset: streamed, and from kept rows. Where a step of a portrait is
/// about as short as the means are exact, its direction may be any.
void expect_derived(const Numbers& got, const Numbers& kept, const TraceMoments& moments) {
  for (const auto& [path, numbers] : kept) {
    const bool needs_all_rows =
        path.starts_with("/continuity/mutual_information") || path.starts_with("/control/sample_permuted/");
    EXPECT_FALSE(needs_all_rows && got.contains(path)) << path;
    if (path.starts_with("/rotation/p_") || path == "/control/layer_permuted/point")
      expect_within(got.at(path), numbers, 0, path.c_str());
    else if (path.starts_with("/rotation/") && !path.starts_with("/rotation/sample"))
      expect_within(got.at(path), numbers, turned, path.c_str());
    else if (path == "/control/layer_permuted/correlation")
      expect_within(got.at(path), numbers, exactness, path.c_str());
    else if (path == "/control/layer_permuted/turns")
      expect_within(got.at(path), numbers, turned, path.c_str());
    else if (path.starts_with("/control/layer_permuted/"))
      expect_rounded(got.at(path), numbers, path.c_str());
    else if (path == "/geometry/principal_angle")
      expect_angles(got.at(path), numbers, moments);
  }
}

/// The rows of all points as those of one.
Data pooled(const Data& data) {
  return {{data.extent.samples * data.extent.points, 1, data.extent.units}, data.x};
}

void expect_pooled(const PooledComponents& got, const TraceMoments& kept, const Data& data) {
  for (std::int64_t d = 0; d < data.extent.units; ++d) {
    double allowed = 0;
    for (std::int64_t s = 0; s < data.extent.points; ++s) {
      allowed +=
          exactness * spread(kept.units.variance, s, d) + 1e-15 * std::abs(entry(kept.units.mean, s, d));
    }
    EXPECT_LE(std::abs(got.mean[d].item<double>() - kept.pooled.mean[d].item<double>()), allowed);
  }
  SCOPED_TRACE("pooled");
  expect_components(got.eigenvalue, got.component, kept.pooled.eigenvalue, kept.pooled.component,
                    reference::Covariance(pooled(data), 0).matrix);
}

/// What rests on the pooled components, against kept rows' functions of the components that streaming found.
void expect_scores(const parallel::Communicator& ranks, const Shown& shown, const TraceMoments& kept,
                   const SampleShard& rows, const Data& data) {
  const parallel::Communicator alone = parallel::Communicator::self();
  const TraceMoments& got = shown.statistics.moments;
  const PooledScores scores = pooled_scores(alone, by_point(alone, rows, data.extent), got.pooled, 1);
  for (const auto& [name, score] : shown.score) {
    const std::int64_t sample = std::stoll(name.substr(name.find(' ')));
    expect_within(score, as_doubles(scores.score.select(1, sample).to(at::kFloat)), 0, name.c_str());
  }
  if (!ranks.is_root()) return;
  EXPECT_FALSE(got.scores.score.defined());
  const Data all = pooled(data);
  for (std::int64_t i = 0; i < got.pooled.component.size(0); ++i) {
    for (std::int64_t s = 0; s < data.extent.points; ++s) {
      double allowed = 0;
      for (std::int64_t d = 0; d < data.extent.units; ++d) {
        allowed += std::abs(entry(got.pooled.component, i, d)) *
                   (exactness * spread(kept.units.variance, s, d) +
                    1e-14 * (1 + std::abs(entry(kept.units.mean, s, d) - got.pooled.mean[d].item<double>())));
      }
      EXPECT_TRUE(near(entry(got.scores.mean_score, s, i), entry(scores.mean_score, s, i), allowed))
          << s << ' ' << i;
    }
  }
  expect_within(as_doubles(got.scores.score_range), as_doubles(scores.score_range), 0, "score range");
  RowSeries plane = plane_curvature(alone, scores.score, data.extent);
  expect_series(got.plane_curvature, plane, "plane curvature");
  EXPECT_TRUE(got.plane_curvature.rows.empty());
  expect_flow(got.flow, scores.score, kept, data, got.pooled);
}

}  // namespace

void expect_agreement(const parallel::Communicator& ranks, const Shown& shown, const Data& data,
                      const Showing& showing) {
  const parallel::Communicator alone = parallel::Communicator::self();
  const bool every_token = showing.options.every_token;
  const SampleShard rows = deal(alone, data, showing.dtype, 0);
  StatisticsOptions options = showing.options.statistics;
  options.points = points_of(data.extent);
  const TraceStatistics of_kept = trace_statistics(alone, rows, data.extent, options);
  const TraceMoments& kept = of_kept.moments;
  const TraceMoments& got = shown.statistics.moments;
  expect_units(got.units, kept.units);
  expect_points(got.points, kept.points, data);
  expect_pooled(got.pooled, kept, data);
  expect_scores(ranks, shown, kept, rows, data);
  const Numbers numbers = numbers_of(ranks, shown.statistics, data.extent, options);
  if (!ranks.is_root()) return;
  expect_means_over_units(got, kept);
  expect_rows(got.rows, kept.rows, every_token);
  expect_spectra(got.points.spectrum, kept.points.spectrum, data);
  expect_derived(numbers, numbers_of(alone, of_kept, data.extent, options), kept);
  if (every_token) {
    EXPECT_TRUE(got.sample_turns.mean.empty() && got.sample_turns.standard_deviation.empty());
    expect_absent(got.random_basis);
  } else {
    expect_rounded(got.sample_turns.mean, kept.sample_turns.mean, "sample turns");
    expect_rounded(got.sample_turns.standard_deviation, kept.sample_turns.standard_deviation, "sample turns");
    expect_control(got.random_basis, kept.random_basis, "random basis");
  }
  const std::vector<Headline::Entry>& entries = shown.statistics.headline.entries;
  const std::vector<Headline::Entry>& expected_entries = of_kept.headline.entries;
  ASSERT_EQ(entries.size(), expected_entries.size());
  for (std::size_t i = 0; i < expected_entries.size(); ++i) {
    const Headline::Entry& expected = expected_entries[i];
    EXPECT_EQ(entries[i].name, expected.name);
    EXPECT_TRUE(near(entries[i].value, expected.value, turned * (1 + std::abs(expected.value))))
        << expected.name << ": " << entries[i].value << " for " << expected.value;
    EXPECT_TRUE(std::isnan(entries[i].standard_error)) << expected.name;
  }
}

}  // namespace orrery::statistics::testing
