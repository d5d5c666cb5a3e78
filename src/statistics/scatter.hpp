#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace orrery::statistics {

/// The rows of a capture point about their mean, in double precision.
struct CentredRows {
  at::Tensor y;                 ///< (N, D); exactly 0 in the columns of constant units
  std::vector<double> mean;     ///< (D)
  std::vector<double> squares;  ///< (D) Σ y² of each unit; exactly 0 where constant
};

/// `rows` (N, D), float32 or float64, centred twice, so that a unit near 3000 keeps the digits of its spread.
CentredRows centre_rows(const at::Tensor& rows);

/// a·aᵀ (r, r) of `a` (r, c), which may be a transposed view, both triangles filled and equal.
at::Tensor symmetric_product(const at::Tensor& a);

/// Fills the lower triangle of a contiguous square matrix from the upper one.
void mirror_upper_triangle(at::Tensor& matrix);

/// Whether the eigenproblem of N rows is that of the Gram matrix y yᵀ rather than of yᵀy.
constexpr bool by_gram(std::int64_t samples, std::int64_t units) {
  return samples <= units;
}

/// The smaller of y yᵀ and yᵀy: (N − 1) times a matrix with the covariance's eigenvalues above 0.
at::Tensor scatter_matrix(const at::Tensor& y);

/// Σ of the squares of a contiguous tensor's entries.
double sum_of_squares(const at::Tensor& matrix);

/// Σ r_ij² over the units that vary, from centred rows; scales `rows.y` in place. For N ≤ D.
double sum_of_square_correlations(CentredRows& rows);

/// The same from the scatter matrix (D, D) and Σ y² of each unit.
double sum_of_square_correlations(const at::Tensor& scatter, std::span<const double> squares);

}  // namespace orrery::statistics
