#pragma once

#include <ATen/core/Tensor.h>

namespace orrery::model {

/// x · weightᵀ (+ bias where it is defined): (R, in) by (out, in) gives (R, out), all of one format and
/// device. In float32 on a CPU by oneDNN where LibTorch has it, whose products were a fifth faster than its
/// BLAS at a layer's shapes; else by LibTorch's own choice.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace orrery::model
