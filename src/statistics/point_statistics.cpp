#include "orrery/statistics/point_statistics.hpp"

#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "scatter.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <tuple>

namespace orrery::statistics {
namespace {

std::int64_t eigenvalue_count(const Extent& extent) {
  return std::max<std::int64_t>(0, std::min(extent.samples - 1, extent.units));
}

/// Turns `vector` so that its entry of largest magnitude is positive, the first of equals. Magnitudes are
/// compared as float32: the file's precision, and coarse enough that rounding does not choose among equals.
void fix_sign(double* vector, std::int64_t length) {
  std::int64_t largest = 0;
  const auto magnitude = [&](std::int64_t i) { return std::abs(static_cast<float>(vector[i])); };
  for (std::int64_t i = 1; i < length; ++i) {
    if (magnitude(i) > magnitude(largest)) largest = i;
  }
  if (vector[largest] >= 0) return;
  for (std::int64_t i = 0; i < length; ++i) vector[i] = -vector[i];
}

/// The leading `count` principal directions (count, D) from the eigenvectors of the scatter matrix, in its
/// columns and ascending. A Gram eigenvector u becomes yᵀu, whose length and, where eigenvalues are small
/// beside the first, whose right angles are rounded off: a QR decomposition in descending order mends both.
at::Tensor directions(const at::Tensor& eigenvectors, const at::Tensor& y, std::int64_t count) {
  const at::Tensor leading = eigenvectors.narrow(1, eigenvectors.size(1) - count, count).flip(1).t();
  if (!by_gram(y.size(0), y.size(1))) return leading.contiguous();
  return std::get<0>(at::linalg_qr(at::mm(leading, y).t())).t().contiguous();
}

/// Where one point's results go.
struct Place {
  double* mean;          // (D)
  double* eigenvalue;    // (K)
  double* component;     // (k, D), NaN so far
  std::int64_t vectors;  // k
};

/// K eigenvalues of C, descending, from those of the scatter matrix, ascending; 0 beyond the rank. Returns
/// the rank.
std::int32_t write_eigenvalues(const at::Tensor& ascending, const Extent& extent, double* eigenvalue) {
  const std::int64_t count = eigenvalue_count(extent);
  const double* from = ascending.const_data_ptr<double>() + ascending.numel();
  const double freedom = static_cast<double>(extent.samples - 1);
  for (std::int64_t i = 0; i < count; ++i) eigenvalue[i] = std::max(from[-1 - i], 0.0) / freedom;
  const std::int32_t rank =
      rank_of({eigenvalue, static_cast<std::size_t>(count)}, extent.samples, extent.units);
  std::fill(eigenvalue + rank, eigenvalue + count, 0.0);
  return rank;
}

/// The numbers that need no eigenvalue. Takes what it needs of `rows.y`, which is not the centred rows
/// afterwards.
void measure_scatter(CentredRows& rows, const at::Tensor& scatter, Spectrum& spectrum) {
  const std::int64_t samples = rows.y.size(0);
  const double freedom = static_cast<double>(samples - 1);
  double trace = 0;
  double varying = 0;
  for (const double squares : rows.squares) {
    trace += squares / freedom;
    varying += squares > 0 ? 1 : 0;
  }
  const double trace_of_square = sum_of_squares(scatter) / (freedom * freedom);
  spectrum.total_variance = trace;
  if (!(trace_of_square > 0)) return;
  spectrum.participation_ratio = participation_ratio(trace, trace_of_square);
  spectrum.participation_ratio_corrected = corrected_participation_ratio(trace, trace_of_square, samples);
  spectrum.participation_ratio_standardised = varying * varying / sum_of_square_correlations(rows, scatter);
  spectrum.top_unit_share = *std::max_element(rows.squares.begin(), rows.squares.end()) / freedom / trace;
}

/// The PCA of one point's rows (N, D).
Spectrum analyse(const at::Tensor& x, const Extent& extent, const Place& place) {
  CentredRows rows = centre_rows(x);
  std::copy(rows.mean.begin(), rows.mean.end(), place.mean);
  Spectrum spectrum;
  if (extent.samples < 2) return spectrum;
  const at::Tensor scatter = scatter_matrix(rows.y);
  {
    const auto [values, vectors] = at::linalg_eigh(scatter);
    spectrum.rank = write_eigenvalues(values, extent, place.eigenvalue);
    const std::int64_t count = std::min<std::int64_t>(place.vectors, spectrum.rank);
    if (count > 0) {
      const at::Tensor leading = directions(vectors, rows.y, count);
      std::copy_n(leading.const_data_ptr<double>(), leading.numel(), place.component);
    }
    for (std::int64_t i = 0; i < count; ++i) fix_sign(place.component + i * extent.units, extent.units);
  }
  const std::span<const double> eigenvalues(place.eigenvalue, eigenvalue_count(extent));
  spectrum.effective_rank = effective_rank(eigenvalues);
  for (std::size_t i = 0; i < variance_shares.size(); ++i) {
    spectrum.components_for[i] = components_for(eigenvalues, variance_shares[i]);
  }
  measure_scatter(rows, scatter, spectrum);
  return spectrum;
}

}  // namespace

PointStatistics point_statistics(const parallel::Communicator& ranks, const PointShard& shard,
                                 const Extent& extent, std::int64_t components, int threads) {
  const std::int64_t points = std::ssize(shard.points);
  const std::int64_t values = eigenvalue_count(extent);
  const std::int64_t vectors = std::min(components, values);
  PointStatistics result;
  std::vector<Spectrum> own;
  parallel::agree(ranks, "principal components", [&] {
    result.points = shard.points;
    result.mean = at::empty({points, extent.units}, at::kDouble);
    result.eigenvalue = at::empty({points, values}, at::kDouble);
    result.component = at::full({points, vectors, extent.units}, Spectrum::none, at::kDouble);
    own.resize(points);
    double* const mean = result.mean.mutable_data_ptr<double>();
    double* const eigenvalue = result.eigenvalue.mutable_data_ptr<double>();
    double* const component = result.component.mutable_data_ptr<double>();
    schedule::parallel_for(points, threads, [&](std::int64_t p) {
      const Place place{mean + p * extent.units, eigenvalue + p * values,
                        component + p * vectors * extent.units, vectors};
      own[p] = analyse(shard.x.select(0, p), extent, place);
    });
  });
  const auto by_rank = ranks.gather_values<Spectrum>(own);
  for (const std::vector<Spectrum>& one : by_rank) {  // ranks hold the points in order
    result.spectrum.insert(result.spectrum.end(), one.begin(), one.end());
  }
  return result;
}

}  // namespace orrery::statistics
