#include "orrery/statistics/spectrum.hpp"

#include "orrery/core/not_a_number.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::statistics {
namespace {

double sum(std::span<const double> values) {
  double total = 0;
  for (const double value : values) total += value;
  return total;
}

}  // namespace

double participation_ratio(double trace, double trace_of_square) {
  return trace_of_square > 0 ? trace * trace / trace_of_square : core::not_a_number;
}

double corrected_participation_ratio(double trace, double trace_of_square, std::int64_t rows) {
  const double freedom = static_cast<double>(rows - 1);
  if (freedom < 2) return core::not_a_number;
  const double excess = trace_of_square - trace * trace / freedom;
  if (!(excess > 1e-12 * trace_of_square)) return core::not_a_number;
  return trace * trace / (freedom * freedom / ((freedom - 1) * (freedom + 2)) * excess);
}

std::int32_t rank_of(std::span<const double> eigenvalues, std::int64_t samples, std::int64_t units,
                     double rounding) {
  if (eigenvalues.empty()) return 0;
  const double threshold =
      static_cast<double>(std::max(samples, units)) * 0x1p-52 * eigenvalues.front() + rounding;
  const auto above = [&](double value) { return value > threshold; };
  return static_cast<std::int32_t>(std::count_if(eigenvalues.begin(), eigenvalues.end(), above));
}

double effective_rank(std::span<const double> eigenvalues) {
  const double total = sum(eigenvalues);
  if (!(total > 0)) return core::not_a_number;
  double entropy = 0;
  for (const double value : eigenvalues) {
    const double share = value / total;
    if (share > 0) entropy -= share * std::log(share);
  }
  return std::exp(entropy);
}

std::int32_t components_for(std::span<const double> eigenvalues, double share) {
  constexpr double slack = 1e-12;
  const double total = sum(eigenvalues);
  if (!(total > 0)) return 0;
  double reached = 0;
  std::int32_t count = 0;
  for (const double value : eigenvalues) {
    reached += value;
    ++count;
    if (reached >= (share - slack) * total) break;
  }
  return count;
}

}  // namespace orrery::statistics
