#include "row_steps.hpp"

#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "orrery/statistics/exact_sum.hpp"
#include "row_access.hpp"
#include "vectors.hpp"

#include <cmath>
#include <vector>

namespace orrery::statistics {

template <class T>
void measure_steps(const T* x, const Extent& extent, double* line) {
  const std::int64_t steps = extent.points - 1;
  double norm = std::sqrt(inner_product(x, x, extent.units));
  for (std::int64_t step = 0; step < steps; ++step) {
    const T* here = x + step * extent.units;
    const T* next = here + extent.units;
    const double norm_next = std::sqrt(inner_product(next, next, extent.units));
    line[step] = cosine_of(inner_product(here, next, extent.units), norm, norm_next);
    line[steps + step] = distance(here, next, extent.units);
    norm = norm_next;
  }
}

template void measure_steps(const float* x, const Extent& extent, double* line);
template void measure_steps(const double* x, const Extent& extent, double* line);

std::vector<double> step_lines(const SampleShard& rows, const Extent& extent, int threads) {
  const std::int64_t columns = 2 * (extent.points - 1);
  std::vector<double> lines(rows.samples.size() * columns);
  with_rows(rows.x, [&](const auto* x) {
    schedule::parallel_for(std::ssize(rows.samples), threads, [&](std::int64_t row) {
      measure_steps(x + row * extent.points * extent.units, extent, lines.data() + row * columns);
    });
  });
  return lines;
}

StepMeans row_steps(const parallel::Communicator& ranks, const SampleShard& rows, const Extent& extent,
                    int threads) {
  const std::int64_t steps = extent.points - 1;
  ExactSums sums(2 * steps);
  parallel::agree(ranks, "steps of rows", [&] {
    const std::vector<double> lines = step_lines(rows, extent, threads);
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
