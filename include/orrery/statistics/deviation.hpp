#pragma once

#include <ATen/core/Tensor.h>

namespace orrery::statistics {

/// How streams differ from the first of them, at one capture point.
struct Deviations {
  at::Tensor distance;  ///< (n) float64: ‖x′ − x‖
  at::Tensor cosine;    ///< (n) float64: of x′ and x; NaN where either is 0
  at::Tensor norm;      ///< (n) float64: ‖x′‖
};
/// Of streams (n, D), each held against row 0; on their device. Rows of equal bits are at distance 0.
Deviations deviations(const at::Tensor& streams);

/// (n) float64: cosines of the rows of two (n, D); NaN where either is 0.
at::Tensor row_cosines(const at::Tensor& one, const at::Tensor& other);

/// How next-token distributions differ from another.
struct Divergence {
  at::Tensor kl;        ///< (n) float64: D_KL(reference ‖ row) in nats; 0 for rows of equal bits
  at::Tensor same_top;  ///< (n) bool: whether the most likely token is the same, the first of equals
};
/// (n, V) float64: log-probabilities of logits.
at::Tensor log_probabilities(const at::Tensor& logits);
/// Of log-probabilities (n, V), held against `reference` (V) (science.md section 4).
Divergence divergence(const at::Tensor& rows, const at::Tensor& reference);

}  // namespace orrery::statistics
