#include "orrery/statistics/deviation.hpp"

#include <ATen/ops/argmax.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/log_softmax.h>

namespace orrery::statistics {
namespace {

at::Tensor norms(const at::Tensor& rows) {
  return at::linalg_vector_norm(rows, 2, {-1});
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
  return {kl, rows.argmax(-1).eq(reference.argmax())};
}

}  // namespace orrery::statistics
