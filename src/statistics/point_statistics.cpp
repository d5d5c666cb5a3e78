#include "orrery/statistics/point_statistics.hpp"

#include "orrery/core/not_a_number.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "principal_components.hpp"
#include "scatter.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <span>
#include <vector>

namespace orrery::statistics {
namespace {

std::int64_t eigenvalue_count(const Extent& extent) {
  return std::max<std::int64_t>(0, std::min(extent.samples - 1, extent.units));
}

/// The numbers that need no eigenvalue, from Σ y² of each unit and the scatter matrix. `square_correlations`
/// gives Σ r_ij² where there is any variance.
template <class SquareCorrelations>
void measure_scatter(std::span<const double> squares, const at::Tensor& scatter, std::int64_t samples,
                     const SquareCorrelations& square_correlations, Spectrum& spectrum) {
  const double freedom = static_cast<double>(samples - 1);
  double trace = 0;
  double varying = 0;
  for (const double square : squares) {
    trace += square / freedom;
    varying += square > 0 ? 1 : 0;
  }
  const double trace_of_square = sum_of_squares(scatter) / (freedom * freedom);
  spectrum.total_variance = trace;
  if (!(trace_of_square > 0)) return;
  spectrum.participation_ratio = participation_ratio(trace, trace_of_square);
  spectrum.participation_ratio_corrected = corrected_participation_ratio(trace, trace_of_square, samples);
  spectrum.participation_ratio_standardised = varying * varying / square_correlations();
  spectrum.top_unit_share = *std::max_element(squares.begin(), squares.end()) / freedom / trace;
}

/// The eigenvalues and vectors, and the numbers that need the eigenvalues.
void solve(const at::Tensor& scatter, const at::Tensor& gram_rows, std::int64_t samples,
           const PrincipalPlaces& places, double rounding, Spectrum& spectrum) {
  spectrum.rank = principal_components(scatter, gram_rows, samples, places, rounding);
  spectrum.effective_rank = effective_rank(places.eigenvalue);
  for (std::size_t i = 0; i < variance_shares.size(); ++i) {
    spectrum.components_for[i] = components_for(places.eigenvalue, variance_shares[i]);
  }
}

/// The PCA of one point's rows (N, D).
Spectrum analyse_rows(const at::Tensor& x, double* mean, const PrincipalPlaces& places) {
  CentredRows rows = centre_rows(x);
  std::copy(rows.mean.begin(), rows.mean.end(), mean);
  const std::int64_t samples = x.size(0);
  Spectrum spectrum;
  if (samples < 2) return spectrum;
  const bool gram = by_gram(samples, places.units);
  const at::Tensor scatter = scatter_matrix(rows.y);
  solve(scatter, gram ? rows.y : at::Tensor(), samples, places, 0, spectrum);
  const auto square_correlations = [&] {
    return gram ? sum_of_square_correlations(rows) : sum_of_square_correlations(scatter, rows.squares);
  };
  measure_scatter(rows.squares, scatter, samples, square_correlations, spectrum);
  return spectrum;
}

/// The PCA of one point from its scatter matrix (D, D).
Spectrum analyse_scatter(const PointScatter& point, std::int64_t samples, const PrincipalPlaces& places) {
  const at::Tensor& scatter = point.matrix;
  Spectrum spectrum;
  std::vector<double> squares(places.units);
  for (std::int64_t d = 0; d < places.units; ++d) {
    squares[d] = scatter.const_data_ptr<double>()[d * (places.units + 1)];
  }
  solve(scatter, at::Tensor(), samples, places, point.rounding, spectrum);
  const auto square_correlations = [&] { return sum_of_square_correlations(scatter, squares); };
  measure_scatter(squares, scatter, samples, square_correlations, spectrum);
  return spectrum;
}

/// Collective: the results of `points`, each analysed by `analyse(p, mean, places)` on one thread.
template <class Analyse>
PointStatistics each_point(const parallel::Communicator& ranks, const std::vector<core::Point>& points,
                           const Extent& extent, std::int64_t components, int threads,
                           const Analyse& analyse) {
  const std::int64_t count = std::ssize(points);
  const std::int64_t values = eigenvalue_count(extent);
  const std::int64_t vectors = std::min(components, values);
  PointStatistics result;
  std::vector<Spectrum> own;
  parallel::agree(ranks, "principal components", [&] {
    result.points = points;
    result.mean = at::empty({count, extent.units}, at::kDouble);
    result.eigenvalue = at::empty({count, values}, at::kDouble);
    result.component = at::full({count, vectors, extent.units}, core::not_a_number, at::kDouble);
    own.resize(count);
    double* const mean = result.mean.mutable_data_ptr<double>();
    double* const eigenvalue = result.eigenvalue.mutable_data_ptr<double>();
    double* const component = result.component.mutable_data_ptr<double>();
    schedule::parallel_for(count, threads, [&](std::int64_t p) {
      const PrincipalPlaces places{{eigenvalue + p * values, static_cast<std::size_t>(values)},
                                   component + p * vectors * extent.units,
                                   vectors,
                                   extent.units};
      own[p] = analyse(p, mean + p * extent.units, places);
    });
  });
  const auto by_rank = ranks.gather_values<Spectrum>(own);
  for (const std::vector<Spectrum>& one : by_rank) {  // ranks hold the points in order
    result.spectrum.insert(result.spectrum.end(), one.begin(), one.end());
  }
  return result;
}

}  // namespace

PointStatistics point_statistics(const parallel::Communicator& ranks, const PointShard& shard,
                                 const Extent& extent, std::int64_t components, int threads) {
  return each_point(ranks, shard.points, extent, components, threads,
                    [&](std::int64_t p, double* mean, const PrincipalPlaces& places) {
                      return analyse_rows(shard.x.select(0, p), mean, places);
                    });
}

PointStatistics point_statistics_of_scatter(const parallel::Communicator& ranks,
                                            const std::vector<core::Point>& points, const at::Tensor& means,
                                            const ScatterOfPoint& scatter, const Extent& extent,
                                            std::int64_t components, int threads) {
  return each_point(ranks, points, extent, components, threads,
                    [&](std::int64_t p, double* mean, const PrincipalPlaces& places) {
                      std::copy_n(means.const_data_ptr<double>() + p * extent.units, extent.units, mean);
                      if (extent.samples < 2) return Spectrum();
                      return analyse_scatter(scatter(p), extent.samples, places);
                    });
}

}  // namespace orrery::statistics
