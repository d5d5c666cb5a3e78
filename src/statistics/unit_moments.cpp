#include "unit_moments.hpp"

#include "orrery/core/not_a_number.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>

namespace orrery::statistics {
namespace {

using core::not_a_number;

template <class T>
bool all_equal(const T* values, std::int64_t count) {
  return std::all_of(values, values + count, [&](T value) { return value == values[0]; });
}

double clamped(double correlation) {
  return std::clamp(correlation, -1.0, 1.0);
}

}  // namespace

UnitMoments::UnitMoments(std::int64_t points, std::int64_t samples)
    : points_(points),
      samples_(samples),
      mean_(points),
      centred_(at::empty({points, samples}, at::kDouble)),
      product_(at::empty({points, points}, at::kDouble)),
      y_(centred_.mutable_data_ptr<double>()),
      products_(product_.mutable_data_ptr<double>()) {}

// Centred twice: the first mean of a unit near 3000 is off by its rounding, what is left about it is small,
// and the mean of that is exact to the last digit of the spread.
template <class T>
void UnitMoments::centre(const T* x, std::int64_t point) {
  double* y = y_ + point * samples_;
  if (all_equal(x, samples_)) {
    mean_[point] = static_cast<double>(*x);
    std::fill_n(y, samples_, 0.0);
    return;
  }
  const double count = static_cast<double>(samples_);
  const double about = lane_sum(samples_, [&](std::int64_t n) { return static_cast<double>(x[n]); }) / count;
  for (std::int64_t n = 0; n < samples_; ++n) y[n] = static_cast<double>(x[n]) - about;
  const double rest = lane_sum(samples_, [&](std::int64_t n) { return y[n]; }) / count;
  for (std::int64_t n = 0; n < samples_; ++n) y[n] -= rest;
  mean_[point] = about + rest;
}

template <class T>
void UnitMoments::assign(const T* x) {
  for (std::int64_t point = 0; point < points_; ++point) centre(x + point * samples_, point);
  at::mm_out(product_, centred_, centred_.t());
}

template void UnitMoments::assign(const float* x);
template void UnitMoments::assign(const double* x);

double UnitMoments::variance(std::int64_t point) const {
  return samples_ > 1 ? product(point, point) / static_cast<double>(samples_ - 1) : not_a_number;
}

double UnitMoments::correlation(std::int64_t one, std::int64_t other) const {
  if (!varies(one) || !varies(other)) return not_a_number;
  if (one == other) return 1;
  // The upper triangle: a product's two triangles may differ in the last bit.
  const double both = product(std::min(one, other), std::max(one, other));
  return clamped(both / std::sqrt(product(one, one)) / std::sqrt(product(other, other)));
}

double UnitMoments::residual_null(std::int64_t step) const {
  if (!varies(step) || !varies(step + 1)) return not_a_number;
  const double* here = centred(step);
  const double* next = centred(step + 1);
  const double changes =
      lane_sum(samples_, [&](std::int64_t n) { return (next[n] - here[n]) * (next[n] - here[n]); });
  return std::sqrt(product(step, step) / (product(step, step) + changes));
}

void UnitMoments::Sums::add(const Sums& other) {
  if (count == 0) first = other.first;
  level = level && other.level && first == other.first;
  count += other.count;
  value += other.value;
  square += other.square;
  product += other.product;
  change += other.change;
}

void UnitMoments::sum_blocks(const SampleBlocks& blocks) {
  blocks_.assign(blocks.count() * points_, Sums{});
  for (std::int64_t point = 0; point < points_; ++point) {
    const double* here = centred(point);
    const double* next = centred(std::min(point + 1, points_ - 1));
    for (std::int64_t block = 0; block < blocks.count(); ++block) {
      const double* y = here + blocks.begin(block);
      const double* z = next + blocks.begin(block);
      const std::int64_t count = blocks.size(block);
      Sums& sums = blocks_[block * points_ + point];
      sums.count = static_cast<double>(count);
      sums.value = lane_sum(count, [&](std::int64_t n) { return y[n]; });
      sums.square = lane_sum(count, [&](std::int64_t n) { return y[n] * y[n]; });
      sums.product = lane_sum(count, [&](std::int64_t n) { return y[n] * z[n]; });
      sums.change = lane_sum(count, [&](std::int64_t n) { return (z[n] - y[n]) * (z[n] - y[n]); });
      sums.first = y[0];
      sums.level = all_equal(y, count);
    }
  }
}

// The blocks that stay are added up, rather than the one left out taken from the total: where that one holds
// an outlier, the difference would be rounding.
void UnitMoments::leave_out(const SampleBlocks& blocks, std::int64_t left_out, double* correlation,
                            double* null) const {
  std::vector<Sums> kept(points_);
  for (std::int64_t block = 0; block < blocks.count(); ++block) {
    if (block == left_out) continue;
    for (std::int64_t point = 0; point < points_; ++point) kept[point].add(blocks_[block * points_ + point]);
  }
  const auto spread = [](const Sums& sums) { return sums.square - sums.value * sums.value / sums.count; };
  for (std::int64_t step = 0; step + 1 < points_; ++step) {
    const Sums& here = kept[step];
    const Sums& next = kept[step + 1];
    const double squares = spread(here);
    const double squares_next = spread(next);
    const bool vary = !here.level && !next.level && squares > 0 && squares_next > 0;
    if (!vary) {
      correlation[step] = null[step] = not_a_number;
      continue;
    }
    const double shift = next.value - here.value;
    const double product = here.product - here.value * next.value / here.count;
    const double changes = std::max(here.change - shift * shift / here.count, 0.0);
    correlation[step] = clamped(product / std::sqrt(squares) / std::sqrt(squares_next));
    null[step] = std::sqrt(squares / (squares + changes));
  }
}

}  // namespace orrery::statistics
