#include "orrery/statistics/jackknife.hpp"

#include "orrery/core/not_a_number.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::statistics {

constexpr std::int64_t most_blocks = 10;  // science.md, section 3
constexpr std::int64_t fewest_samples = 3;

SampleBlocks::SampleBlocks(std::int64_t samples)
    : samples_(samples), count_(samples < fewest_samples ? 0 : std::min(most_blocks, samples)) {}

double jackknife_error(std::span<const double> left_out) {
  const double blocks = static_cast<double>(left_out.size());
  if (blocks < 2) return core::not_a_number;
  double sum = 0;
  for (const double value : left_out) sum += value;
  const double mean = sum / blocks;  // divided once: exact where all values are the same whole number
  double squares = 0;
  for (const double value : left_out) squares += (value - mean) * (value - mean);
  return std::sqrt((blocks - 1) / blocks * squares);
}

}  // namespace orrery::statistics
