#include "orrery/statistics/linear_flow.hpp"

#include "halo.hpp"
#include "orrery/core/not_a_number.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "scatter.hpp"

#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_eigvals.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace orrery::statistics {
namespace {

using core::not_a_number;

FlowStep undefined_step(std::int64_t components) {
  return {std::vector<std::complex<double>>(components, {not_a_number, not_a_number}), not_a_number,
          not_a_number};
}

/// The eigenvalues of `map` (m, m), in the order of FlowStep, to the first places of `eigenvalue`.
void write_eigenvalues(const at::Tensor& map, std::vector<std::complex<double>>& eigenvalue) {
  const at::Tensor values = at::linalg_eigvals(map).contiguous();
  const auto* value = values.const_data_ptr<c10::complex<double>>();
  for (std::int64_t i = 0; i < values.numel(); ++i) eigenvalue[i] = {value[i].real(), value[i].imag()};
  const auto key = [](const std::complex<double>& one) {
    return std::tuple(-std::abs(one), -one.real(), -one.imag());
  };
  std::sort(eigenvalue.begin(), eigenvalue.begin() + values.numel(),
            [&](const auto& one, const auto& other) { return key(one) < key(other); });
}

/// How many of `values`, which descend, are above `cut` of the first.
std::int64_t count_above(const at::Tensor& values, double cut) {
  const double* value = values.const_data_ptr<double>();
  return std::count_if(value, value + values.numel(), [&](double one) { return one > cut * value[0]; });
}

double squares(const at::Tensor& matrix) {
  return sum_of_squares(matrix.contiguous());
}

/// How many leading scores are not NaN, from a line of numbers that are NaN where the scores are.
std::int64_t defined_count(const double* line, std::int64_t stride, std::int64_t components) {
  std::int64_t count = 0;
  while (count < components && !std::isnan(line[count * stride])) ++count;
  return count;
}

/// The centred scores of a point in the leading components (N, f). Columns of equal scores are exactly 0.
at::Tensor leading_centred(const at::Tensor& score, std::int64_t components) {
  return centre_rows(score.narrow(1, 0, components).contiguous()).y;
}

FlowStep flow_step(const at::Tensor& score, const at::Tensor& next_score) {
  constexpr double cut = 1e-10;
  const std::int64_t components = std::min(score.size(1), most_flow_components);
  FlowStep step = undefined_step(components);
  const std::int64_t defined = defined_count(score.const_data_ptr<double>(), 1, components);
  if (score.size(0) < 2 || defined == 0) return step;
  const at::Tensor here = leading_centred(score, defined);
  const at::Tensor next = leading_centred(next_score, defined);
  const auto [left, values, right] = at::linalg_svd(here, false);
  const std::int64_t kept = count_above(values, cut);
  const at::Tensor basis = left.narrow(1, 0, kept);  // (N, r)
  const at::Tensor along = at::mm(basis.t(), next);  // (r, f)
  const at::Tensor inverse = right.narrow(0, 0, kept).t().div(values.narrow(0, 0, kept));
  write_eigenvalues(at::mm(inverse, along).t().contiguous(), step.eigenvalue);
  const double whole = squares(next);
  if (whole > 0) {
    step.explained = 1 - squares(next.sub(at::mm(basis, along))) / whole;
    step.persistence = 1 - squares(next.sub(here)) / whole;
  }
  return step;
}

/// A step as plain numbers, so that it travels: two an eigenvalue, and two more.
void pack(const FlowStep& step, std::vector<double>& numbers) {
  for (const std::complex<double>& value : step.eigenvalue) {
    numbers.push_back(value.real());
    numbers.push_back(value.imag());
  }
  numbers.push_back(step.explained);
  numbers.push_back(step.persistence);
}

FlowStep unpack(const double* numbers, std::int64_t components) {
  FlowStep step = undefined_step(components);
  for (std::complex<double>& value : step.eigenvalue) {
    value = {numbers[0], numbers[1]};
    numbers += 2;
  }
  step.explained = numbers[0];
  step.persistence = numbers[1];
  return step;
}

}  // namespace

std::vector<FlowStep> linear_flow(const parallel::Communicator& ranks, const at::Tensor& score, int threads) {
  const std::int64_t own = score.size(0);
  const at::Tensor next = next_point(ranks, score);
  std::vector<double> packed;
  parallel::agree(ranks, "linear flow", [&] {
    std::vector<FlowStep> steps(next.defined() ? own : std::max<std::int64_t>(0, own - 1));
    schedule::parallel_for(std::ssize(steps), threads, [&](std::int64_t p) {
      steps[p] = flow_step(score.select(0, p), p + 1 < own ? score.select(0, p + 1) : next);
    });
    for (const FlowStep& step : steps) pack(step, packed);
  });
  const std::int64_t components = std::min(score.size(2), most_flow_components);
  std::vector<FlowStep> result;
  for (const std::vector<double>& one : ranks.gather_values<double>(packed)) {
    for (std::size_t at = 0; at < one.size(); at += 2 * components + 2) {
      result.push_back(unpack(one.data() + at, components));
    }
  }
  return result;
}

FlowStep linear_flow_of_moments(const at::Tensor& gram, std::int64_t samples) {
  const std::int64_t components = gram.size(0) / 2;
  FlowStep step = undefined_step(components);
  const at::Tensor all = gram.contiguous();
  const std::int64_t defined = defined_count(all.const_data_ptr<double>(), gram.size(0) + 1, components);
  if (samples < 2 || defined == 0) return step;
  const auto block = [&](std::int64_t row, std::int64_t column) {
    return all.narrow(0, row * components, defined).narrow(1, column * components, defined);
  };
  const auto [ascending, vectors] = at::linalg_eigh(block(0, 0));
  const at::Tensor values = ascending.flip(0);
  const double cut = static_cast<double>(std::max(samples, components)) * 0x1p-52;
  const std::int64_t kept = count_above(values, cut);
  const at::Tensor scale = values.narrow(0, 0, kept).sqrt();
  const at::Tensor inverse = vectors.flip(1).narrow(1, 0, kept).div(scale);  // (f, r)
  const at::Tensor along = at::mm(inverse.t(), block(0, 1));                 // (r, f)
  write_eigenvalues(at::mm(inverse, along).t().contiguous(), step.eigenvalue);
  const auto trace = [](const at::Tensor& matrix) { return matrix.trace().item<double>(); };
  const double whole = trace(block(1, 1));
  if (whole > 0) {
    step.explained = squares(along) / whole;
    step.persistence = (2 * trace(block(0, 1)) - trace(block(0, 0))) / whole;
  }
  return step;
}

}  // namespace orrery::statistics
