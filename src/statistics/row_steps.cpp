#include "row_steps.hpp"

#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "orrery/statistics/exact_sum.hpp"
#include "row_access.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace orrery::statistics {

template <class T>
void measure_steps(const T* x, const Extent& extent, double* line) {
  const std::int64_t steps = extent.points - 1;
  const auto square = [&](const T* stream) {
    return lane_sum(extent.units, [&](std::int64_t d) {
      const double value = stream[d];
      return value * value;
    });
  };
  double norm = std::sqrt(square(x));
  for (std::int64_t step = 0; step < steps; ++step) {
    const T* here = x + step * extent.units;
    const T* next = here + extent.units;
    const double norm_next = std::sqrt(square(next));
    const double product = lane_sum(extent.units, [&](std::int64_t d) {
      return static_cast<double>(here[d]) * static_cast<double>(next[d]);
    });
    const double length = lane_sum(extent.units, [&](std::int64_t d) {
      const double change = static_cast<double>(next[d]) - static_cast<double>(here[d]);
      return change * change;
    });
    line[step] = norm > 0 && norm_next > 0 ? std::clamp(product / norm / norm_next, -1.0, 1.0)
                                           : std::numeric_limits<double>::quiet_NaN();
    line[steps + step] = std::sqrt(length);
    norm = norm_next;
  }
}

template void measure_steps(const float* x, const Extent& extent, double* line);
template void measure_steps(const double* x, const Extent& extent, double* line);

StepMeans row_steps(const parallel::Communicator& ranks, const SampleShard& rows, const Extent& extent,
                    int threads) {
  const std::int64_t steps = extent.points - 1;
  ExactSums sums(2 * steps);
  parallel::agree(ranks, "steps of rows", [&] {
    std::vector<double> lines(rows.samples.size() * 2 * steps);
    with_rows(rows.x, [&](const auto* x) {
      schedule::parallel_for(std::ssize(rows.samples), threads, [&](std::int64_t row) {
        measure_steps(x + row * extent.points * extent.units, extent, lines.data() + row * 2 * steps);
      });
    });
    for (std::size_t i = 0; i < lines.size(); ++i) sums.add(i % (2 * steps), lines[i]);
  });
  sums.reduce(ranks);
  StepMeans means;
  for (std::int64_t step = 0; step < steps && ranks.is_root(); ++step) {
    means.cosine.push_back(sums.mean(step));
    means.velocity.push_back(sums.mean(steps + step));
  }
  return means;
}

}  // namespace orrery::statistics
