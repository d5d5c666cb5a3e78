// model::linear without oneDNN's product, which only the CPU has: so that a device of another kind can give
// the same bits. Stands in for the library's source of the same name.
#include "orrery/model/linear.hpp"

#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>

namespace orrery::model {

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return bias.defined() ? at::addmm(bias, x, weight.t()) : at::mm(x, weight.t());
}

}  // namespace orrery::model
