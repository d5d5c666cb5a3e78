#include "orrery/statistics/recovery.hpp"

#include <cmath>
#include <cstddef>
#include <limits>

namespace orrery::statistics {

double half_life(std::span<const double> distances) {
  const double half = distances[0] / 2;
  if (!(half > 0)) return std::numeric_limits<double>::quiet_NaN();
  for (std::size_t s = 1; s < distances.size(); ++s) {
    if (distances[s] > half) continue;
    const double before = distances[s - 1];
    return static_cast<double>(s - 1) + std::log(before / half) / std::log(before / distances[s]);
  }
  return std::numeric_limits<double>::infinity();
}

std::vector<double> exponents(std::span<const double> distances) {
  std::vector<double> result;
  for (std::size_t s = 1; s < distances.size(); ++s) {
    result.push_back(std::log(distances[s] / distances[s - 1]));
  }
  return result;
}

std::vector<double> inward_fraction(std::span<const PlanePath> perturbed, const PlanePath& unperturbed) {
  std::vector<double> result;
  for (std::size_t s = 0; s + 1 < unperturbed.size(); ++s) {
    std::size_t inward = 0;
    for (const PlanePath& path : perturbed) {
      double product = 0;
      for (std::size_t i = 0; i < 2; ++i) {
        const double flow = path[s + 1][i] - path[s][i];
        const double own = unperturbed[s + 1][i] - unperturbed[s][i];
        product += (flow - own) * (unperturbed[s][i] - path[s][i]);
      }
      inward += product > 0 ? 1 : 0;
    }
    result.push_back(static_cast<double>(inward) / static_cast<double>(perturbed.size()));
  }
  return result;
}

}  // namespace orrery::statistics
