#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace orrery::statistics {

/// Where the results of one eigenproblem go.
struct PrincipalPlaces {
  std::span<double> eigenvalue;  ///< (K) of the covariance, descending; 0 beyond the rank
  double* component;             ///< (k, D), NaN so far; left so beyond the rank
  std::int64_t components;       ///< k ≤ K
  std::int64_t units;            ///< D
};

/// The PCA of `rows` rows, at least 2, from their scatter matrix about the mean, (rows − 1) times the
/// covariance: eigenvalues, orthonormal vectors signed by the rule of PointStatistics::component. Returns the
/// rank. `gram_rows` is undefined where `scatter` is (D, D), and the centred rows y (N, D) where it is the
/// Gram matrix y yᵀ. `rounding` is the most that rounding of the rows may have made of an eigenvalue of
/// `scatter` that is 0.
std::int32_t principal_components(const at::Tensor& scatter, const at::Tensor& gram_rows, std::int64_t rows,
                                  const PrincipalPlaces& places, double rounding = 0);

}  // namespace orrery::statistics
