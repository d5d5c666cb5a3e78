#pragma once

#include "orrery/parallel/communicator.hpp"

#include <ATen/core/Tensor.h>

#include <complex>
#include <cstdint>
#include <vector>

namespace orrery::statistics {

/// The most pooled components that the flow is fitted in: f = min(k′, 16).
constexpr std::int64_t most_flow_components = 16;

/// The linear map A that takes the centred scores Z_s (N, f) of a point nearest to those of the next, Z_s Aᵀ
/// ≈ Z_{s+1}, in the least squares of least norm (science.md, section 3). NaN where N = 1.
struct FlowStep {
  /// (f) of A: by descending modulus, then descending real part, then descending imaginary part; NaN for the
  /// components beyond the pooled rank, which no score has. 0 where Z_s or Z_{s+1} is.
  std::vector<std::complex<double>> eigenvalue;
  double explained;    ///< 1 − ‖Z_{s+1} − Z_s Aᵀ‖²/‖Z_{s+1}‖²; NaN where Z_{s+1} is 0
  double persistence;  ///< 1 − ‖Z_{s+1} − Z_s‖²/‖Z_{s+1}‖², of A = 1; NaN where Z_{s+1} is 0
};

/// Collective: the flow of each step (P − 1) on rank 0, empty elsewhere, from the pooled scores (p, N, k′)
/// float64 of each rank's points, by the singular values of Z_s above 1e-10 of the largest. The same bits for
/// any number of ranks and threads.
std::vector<FlowStep> linear_flow(const parallel::Communicator& ranks, const at::Tensor& score, int threads);

/// The flow of one step from the Gram matrix (2f, 2f) float64 of the columns of [Z_s, Z_{s+1}], which are
/// centred and have `samples` rows. Squares of singular values are all that it has: so those count that are
/// above max(N, f)·2⁻⁵² of the largest square, near 1e-7 of the largest singular value, which is what double
/// precision allows where `linear_flow` has 1e-10.
FlowStep linear_flow_of_moments(const at::Tensor& gram, std::int64_t samples);

}  // namespace orrery::statistics
