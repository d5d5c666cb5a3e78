#include "scatter.hpp"

#include "row_access.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>

namespace orrery::statistics {
namespace {

// Column by column in the order of rows: D sums side by side, which the compiler vectorises.
template <class T>
void centre(const T* x, std::int64_t samples, std::int64_t units, double* y, CentredRows& rows) {
  std::vector<double> rest(units);
  std::vector<std::uint8_t> varies(units);
  for (std::int64_t n = 0; n < samples; ++n) {
    const T* row = x + n * units;
    for (std::int64_t d = 0; d < units; ++d) rows.mean[d] += static_cast<double>(row[d]);
    for (std::int64_t d = 0; d < units; ++d) varies[d] |= static_cast<std::uint8_t>(row[d] != x[d]);
  }
  const double count = static_cast<double>(samples);
  for (std::int64_t d = 0; d < units; ++d) {
    rows.mean[d] = varies[d] != 0 ? rows.mean[d] / count : static_cast<double>(x[d]);
  }
  for (std::int64_t n = 0; n < samples; ++n) {
    for (std::int64_t d = 0; d < units; ++d) {
      y[n * units + d] = static_cast<double>(x[n * units + d]) - rows.mean[d];
      rest[d] += y[n * units + d];
    }
  }
  for (double& value : rest) value /= count;
  for (std::int64_t n = 0; n < samples; ++n) {
    for (std::int64_t d = 0; d < units; ++d) {
      y[n * units + d] -= rest[d];
      rows.squares[d] += y[n * units + d] * y[n * units + d];
    }
  }
  for (std::int64_t d = 0; d < units; ++d) rows.mean[d] += rest[d];
}

/// 1/√Σy² of each unit, 0 for one that does not vary.
std::vector<double> standard_scale(std::span<const double> squares) {
  std::vector<double> scale(squares.size());
  for (std::size_t d = 0; d < scale.size(); ++d) scale[d] = squares[d] > 0 ? 1 / std::sqrt(squares[d]) : 0;
  return scale;
}

}  // namespace

CentredRows centre_rows(const at::Tensor& rows) {
  const std::int64_t samples = rows.size(0);
  const std::int64_t units = rows.size(1);
  CentredRows result;
  result.y = at::empty({samples, units}, at::kDouble);
  result.mean.resize(units);
  result.squares.resize(units);
  double* y = result.y.mutable_data_ptr<double>();
  with_rows(rows, [&](const auto* x) { centre(x, samples, units, y, result); });
  return result;
}

// By panels of the upper triangle, about half of the work of a full product, then mirrored.
at::Tensor symmetric_product(const at::Tensor& a) {
  constexpr std::int64_t panel = 128;
  const std::int64_t rows = a.size(0);
  at::Tensor product = at::empty({rows, rows}, at::kDouble);
  for (std::int64_t first = 0; first < rows; first += panel) {
    const std::int64_t height = std::min(panel, rows - first);
    at::Tensor part = product.narrow(0, first, height).narrow(1, first, rows - first);
    at::mm_out(part, a.narrow(0, first, height), a.narrow(0, first, rows - first).t());
  }
  mirror_upper_triangle(product);
  return product;
}

void mirror_upper_triangle(at::Tensor& matrix) {
  const std::int64_t rows = matrix.size(0);
  double* entry = matrix.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < i; ++j) entry[i * rows + j] = entry[j * rows + i];
  }
}

at::Tensor scatter_matrix(const at::Tensor& y) {
  return by_gram(y.size(0), y.size(1)) ? symmetric_product(y) : symmetric_product(y.t());
}

double sum_of_squares(const at::Tensor& matrix) {
  const double* entry = matrix.const_data_ptr<double>();
  return lane_sum(matrix.numel(), [&](std::int64_t i) { return entry[i] * entry[i]; });
}

double sum_of_square_correlations(CentredRows& rows) {
  const std::int64_t units = rows.y.size(1);
  const std::vector<double> scale = standard_scale(rows.squares);
  double* y = rows.y.mutable_data_ptr<double>();
  for (std::int64_t n = 0; n < rows.y.size(0); ++n) {
    for (std::int64_t d = 0; d < units; ++d) y[n * units + d] *= scale[d];
  }
  return sum_of_squares(symmetric_product(rows.y));
}

double sum_of_square_correlations(const at::Tensor& scatter, std::span<const double> squares) {
  const std::int64_t units = std::ssize(squares);
  const std::vector<double> scale = standard_scale(squares);
  const double* entry = scatter.const_data_ptr<double>();
  double total = 0;
  for (std::int64_t i = 0; i < units; ++i) {
    total += lane_sum(units, [&](std::int64_t j) {
      const double r = entry[i * units + j] * scale[i] * scale[j];
      return r * r;
    });
  }
  return total;
}

}  // namespace orrery::statistics
