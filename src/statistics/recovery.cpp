#include "orrery/statistics/recovery.hpp"

#include "orrery/core/not_a_number.hpp"

#include <ATen/ops/nanmean.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace orrery::statistics {
namespace {

at::Tensor mean_over_runs(const at::Tensor& values) {
  return at::nanmean(values, {0});
}

/// `distance` over `size`, NaN where that is 0: nothing is so many times as far as nothing.
at::Tensor over(const at::Tensor& distance, const at::Tensor& size) {
  return distance.div(size).masked_fill(size.eq(0), core::not_a_number);
}

/// Of half-lives that are defined, the share of finite ones and the median.
void summarise(std::vector<double> half_lives, Recovery& recovery) {
  std::erase_if(half_lives, [](double value) { return std::isnan(value); });
  std::ranges::sort(half_lives);
  const auto finite = std::ranges::count_if(half_lives, [](double value) { return std::isfinite(value); });
  const bool none = half_lives.empty();
  recovery.halved =
      none ? core::not_a_number : static_cast<double>(finite) / static_cast<double>(half_lives.size());
  recovery.half_life_median = none ? core::not_a_number : half_lives[(half_lives.size() - 1) / 2];
}

}  // namespace

double half_life(std::span<const double> distances) {
  const double half = distances[0] / 2;
  if (!(half > 0)) return core::not_a_number;
  for (std::size_t s = 1; s < distances.size(); ++s) {
    if (distances[s] > half) continue;
    const double before = distances[s - 1];
    return static_cast<double>(s - 1) + std::log(before / half) / std::log(before / distances[s]);
  }
  return core::infinity;
}

at::Tensor exponents(const at::Tensor& distances) {
  const std::int64_t steps = distances.size(1) - 1;
  const at::Tensor growth = distances.narrow(1, 1, steps).div(distances.narrow(1, 0, steps)).log_();
  return growth.masked_fill(growth.isinf(), core::not_a_number);
}

at::Tensor inward_fraction(const at::Tensor& perturbed, const at::Tensor& unperturbed) {
  const at::Tensor away = perturbed.sub(unperturbed);  // (n, p, 2)
  const std::int64_t steps = away.size(1) - 1;
  const at::Tensor before = away.narrow(1, 0, steps);
  const at::Tensor change = away.narrow(1, 1, steps).sub(before);
  return change.mul(before).sum(-1).lt(0).to(at::kDouble).mean(0);
}

Recovery recovery_of(const PerturbedRuns& runs, const UnperturbedRun& beside) {
  const at::Tensor distance = runs.distance.contiguous();
  Recovery recovery;
  const auto points = static_cast<std::size_t>(distance.size(1));
  for (std::int64_t run = 0; run < distance.size(0); ++run) {
    const double* of_run = distance.const_data_ptr<double>() + run * distance.size(1);
    recovery.half_life.push_back(half_life({of_run, points}));
  }
  summarise(recovery.half_life, recovery);
  recovery.ratio = mean_over_runs(over(distance, distance.narrow(1, 0, 1)));
  recovery.relative_distance = mean_over_runs(over(distance, beside.norm));
  recovery.spread_distance = mean_over_runs(over(distance, beside.spread));
  recovery.cosine = mean_over_runs(runs.cosine);
  recovery.exponent = mean_over_runs(exponents(distance));
  recovery.inward_fraction = inward_fraction(runs.path, beside.path);
  recovery.kl = runs.kl.mean().item<double>();
  recovery.top1 = runs.same_top.to(at::kDouble).mean().item<double>();
  return recovery;
}

}  // namespace orrery::statistics
