#pragma once

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

namespace orrery::statistics {

/// Calls `use` with a pointer to the numbers of a contiguous tensor of rows: const float* or const double*.
template <class Use>
void with_rows(const at::Tensor& x, const Use& use) {
  if (x.scalar_type() == at::kFloat) return use(x.const_data_ptr<float>());
  if (x.scalar_type() == at::kDouble) return use(x.const_data_ptr<double>());
  throw core::internal_error("rows are float32 or float64", core::concat("another dtype, ", x.scalar_type()),
                             "please report it with the command line");
}

/// Σ term(i) for i = 0 … count − 1, in eight interleaved sums that are added in a fixed order: the same bits
/// each time, and the compiler may use vectors.
template <class Term>
double lane_sum(std::int64_t count, const Term& term) {
  constexpr int lanes = 8;
  std::array<double, lanes> sum{};
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (int lane = 0; lane < lanes; ++lane) sum[lane] += term(i + lane);
  }
  for (int lane = 0; i < count; ++i, ++lane) sum[lane] += term(i);
  return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

}  // namespace orrery::statistics
