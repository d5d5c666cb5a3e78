#include "principal_components.hpp"

#include "orrery/statistics/spectrum.hpp"

#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace orrery::statistics {
namespace {

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
at::Tensor directions(const at::Tensor& eigenvectors, const at::Tensor& gram_rows, std::int64_t count) {
  const at::Tensor leading = eigenvectors.narrow(1, eigenvectors.size(1) - count, count).flip(1).t();
  if (!gram_rows.defined()) return leading.contiguous();
  return std::get<0>(at::linalg_qr(at::mm(leading, gram_rows).t())).t().contiguous();
}

/// The eigenvalues of the covariance, descending, from those of the scatter matrix, ascending; 0 beyond the
/// rank. Returns the rank.
std::int32_t write_eigenvalues(const at::Tensor& ascending, std::int64_t rows, std::int64_t units,
                               double rounding, std::span<double> eigenvalue) {
  const double* from = ascending.const_data_ptr<double>() + ascending.numel();
  const double freedom = static_cast<double>(rows - 1);
  for (double& value : eigenvalue) value = std::max(*--from, 0.0) / freedom;
  const std::int32_t rank = rank_of(eigenvalue, rows, units, rounding / freedom);
  std::fill(eigenvalue.begin() + rank, eigenvalue.end(), 0.0);
  return rank;
}

}  // namespace

std::int32_t principal_components(const at::Tensor& scatter, const at::Tensor& gram_rows, std::int64_t rows,
                                  const PrincipalPlaces& places, double rounding) {
  const auto [values, vectors] = at::linalg_eigh(scatter);
  const std::int32_t rank = write_eigenvalues(values, rows, places.units, rounding, places.eigenvalue);
  const std::int64_t count = std::min<std::int64_t>(places.components, rank);
  if (count == 0) return rank;
  const at::Tensor leading = directions(vectors, gram_rows, count);
  std::copy_n(leading.const_data_ptr<double>(), leading.numel(), places.component);
  for (std::int64_t i = 0; i < count; ++i) fix_sign(places.component + i * places.units, places.units);
  return rank;
}

}  // namespace orrery::statistics
