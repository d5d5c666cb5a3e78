#include "spectrum_checks.hpp"

#include "orrery/statistics/quanta.hpp"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace orrery::statistics {

at::Tensor matrix(const std::vector<double>& values, std::int64_t count, std::int64_t width) {
  return at::from_blob(const_cast<double*>(values.data()), {count, width}, at::kDouble);
}

double sum_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

double spectrum_error(const TraceExtent& extent, std::int64_t count, double rows) {
  return static_cast<double>(count + 64) * std::max(rows, static_cast<double>(extent.units)) * epsilon;
}

double quantised_away(const TraceExtent& extent, std::int64_t count) {
  if (extent.rows_kept) return 0;
  constexpr double finest = 1 / Quanta::least_norm;
  return static_cast<double>(count * extent.rows) * finest * finest;
}

std::int64_t hold_descending(std::span<const double> eigenvalue, Identity& identity,
                             const std::string& place) {
  for (std::size_t i = 1; i < eigenvalue.size(); ++i) {
    identity.require(eigenvalue[i] <= eigenvalue[i - 1], eigenvalue[i], eigenvalue[i - 1], place,
                     "eigenvalue ", i);
  }
  return std::ranges::count_if(eigenvalue, [](double value) { return value > 0; });
}

EigenvectorIdentities::EigenvectorIdentities(const std::string& of)
    : orthonormal_(of + " orthonormal"), rest_(of + " within the rank"), sign_(of + " signs") {}

void EigenvectorIdentities::hold(const std::vector<double>& component, std::int64_t units, std::int64_t rank,
                                 const std::string& place) {
  const std::int64_t kept = std::ssize(component) / units;
  const std::int64_t count = std::min(kept, rank);
  for (std::int64_t i = 0; i < kept; ++i) {
    const std::span line(component.data() + i * units, static_cast<std::size_t>(units));
    const auto missing = std::ranges::count_if(line, [](double x) { return std::isnan(x); });
    rest_.hold(static_cast<double>(missing), i < count ? 0.0 : static_cast<double>(units), 0, place,
               "vector ", i, ", NaN");
    const auto largest =
        std::ranges::max_element(line, [](double a, double b) { return std::abs(a) < std::abs(b); });
    if (i < count && missing == 0) sign_.require(*largest > 0, *largest, 0, place, "vector ", i);
  }
  // By Cauchy and Schwarz, rounding each entry to float32 changes a product of two by at most its spacing.
  constexpr std::int64_t panel = 256;
  const at::Tensor all = matrix(component, kept, units);
  for (std::int64_t first = 0; first < count; first += panel) {
    const std::int64_t height = std::min(panel, count - first);
    const at::Tensor product = at::mm(all.narrow(0, first, height), all.narrow(0, 0, count).t()).contiguous();
    const double* value = product.const_data_ptr<double>();
    for (std::int64_t i = 0; i < height * count; ++i) {
      const std::int64_t row = first + i / count;
      orthonormal_.hold(value[i], row == i % count ? 1 : 0, 2 * epsilon_of_float, place, "vectors ", row,
                        " and ", i % count);
    }
  }
}

void EigenvectorIdentities::tell(StoredNumbers& stored) const {
  rest_.tell(stored);
  orthonormal_.tell(stored);
  sign_.tell(stored);
}

}  // namespace orrery::statistics
