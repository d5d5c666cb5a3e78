#include "orrery/statistics/deviation.hpp"

#include <ATen/ops/amax.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/log_softmax.h>

namespace orrery::statistics {
namespace {

at::Tensor norms(const at::Tensor& rows) {
  return at::linalg_vector_norm(rows, 2, {-1});
}

/// (n) bool: whether the first of a row's greatest numbers stands in column `column`. The maxima of the two
/// parts of a row take a tenth of the time in which LibTorch finds the place of its maximum.
at::Tensor has_top_at(const at::Tensor& rows, std::int64_t column) {
  const at::Tensor value = rows.select(1, column);
  const at::Tensor reaches_later = value.ge(rows.narrow(1, column, rows.size(1) - column).amax(-1));
  if (column == 0) return reaches_later;
  return value.gt(rows.narrow(1, 0, column).amax(-1)).logical_and_(reaches_later);
}

}  // namespace

at::Tensor row_cosines(const at::Tensor& one, const at::Tensor& other) {
  const at::Tensor a = one.to(at::kDouble), b = other.to(at::kDouble);
  return a.mul(b).sum(-1).div_(norms(a).mul_(norms(b)));
}

Deviations deviations(const at::Tensor& streams) {
  const at::Tensor x = streams.to(at::kDouble);
  const at::Tensor norm = norms(x);
  const at::Tensor product = x.mv(x[0]);
  return {norms(x.sub(x[0])), product.div(norm.mul(norm[0])), norm};
}

at::Tensor log_probabilities(const at::Tensor& logits) {
  return at::log_softmax(logits, -1, at::kDouble);
}

Divergence divergence(const at::Tensor& rows, const at::Tensor& reference) {
  const at::Tensor kl = reference.sub(rows).mv(reference.exp());
  return {kl, has_top_at(rows, reference.argmax().item<std::int64_t>())};
}

}  // namespace orrery::statistics
