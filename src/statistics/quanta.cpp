#include "orrery/statistics/quanta.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/not_a_number.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "orrery/statistics/tensor_values.hpp"
#include "row_access.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace orrery::statistics {
namespace {

using core::infinity;
constexpr int bits = 24;

/// The numbers of one point in (P, D).
std::span<double> line(at::Tensor& tensor, std::int64_t point) {
  const std::int64_t units = tensor.size(1);
  return {tensor.mutable_data_ptr<double>() + point * units, static_cast<std::size_t>(units)};
}

/// The power of two in which `far` > 0 is 2^(bits − 1) … 2^bits. Not so small that its inverse overflows.
double power_of_two(double far) {
  int exponent = 0;
  std::frexp(far, &exponent);
  return std::ldexp(1.0, std::max(exponent - bits, -1000));
}

/// What every unit's size counts as at least: the point's median, or 2⁻⁸ of its greatest.
double floor_of(std::span<const double> sizes) {
  std::vector<double> sorted(sizes.begin(), sizes.end());
  std::sort(sorted.begin(), sorted.end());
  const double median = sorted[(sorted.size() - 1) / 2];
  return median > 0 ? median : 0x1p-8 * sorted.back();
}

/// The scales of one point's units whose pilot values lie up to `half` from `shift`.
void scales_of_pilot(std::span<const double> half, std::span<const double> shift, std::span<double> scale) {
  std::vector<double> size(half.begin(), half.end());
  double least = floor_of(size);
  if (least == 0) {
    std::transform(shift.begin(), shift.end(), size.begin(), [](double value) { return std::abs(value); });
    least = floor_of(size);
  }
  if (least == 0) least = 0x1p-17;  // all zeros: quanta of 2⁻⁴⁰
  for (std::size_t d = 0; d < size.size(); ++d) {
    scale[d] = power_of_two(std::max(size[d], least));
  }
}

}  // namespace

Extremes::Extremes(const Extent& extent)
    : units_(extent.units),
      least_(extent.points * extent.units, infinity),
      greatest_(extent.points * extent.units, -infinity) {}

void Extremes::add(const at::Tensor& rows, int threads) {
  schedule::parallel_for(points(), threads, [&](std::int64_t point) { add_point(rows, point); });
}

void Extremes::add_point(const at::Tensor& rows, std::int64_t point) {
  double* least = least_.data() + point * units_;
  double* greatest = greatest_.data() + point * units_;
  with_rows(rows, [&](const auto* x) {
    for (std::int64_t n = 0; n < rows.size(0); ++n) {
      const auto* stream = x + (n * points() + point) * units_;
      for (std::int64_t d = 0; d < units_; ++d) {
        const double value = static_cast<double>(stream[d]) + 0.0;  // +0 of −0
        least[d] = value < least[d] ? value : least[d];
        greatest[d] = value > greatest[d] ? value : greatest[d];
      }
    }
  });
}

void Extremes::save(core::StateWriter& state) const {
  state.put_all<double>(least_);
  state.put_all<double>(greatest_);
}

void Extremes::add_saved(core::StateReader& state) {
  std::vector<double> saved(least_.size());
  state.take_all<double>(saved);
  std::ranges::transform(least_, saved, least_.begin(), [](double a, double b) { return std::min(a, b); });
  state.take_all<double>(saved);
  std::ranges::transform(greatest_, saved, greatest_.begin(),
                         [](double a, double b) { return std::max(a, b); });
}

void Extremes::reduce(const parallel::Communicator& ranks) {
  ranks.min(least_);
  ranks.max(greatest_);
}

Quanta::Quanta(const Extremes& extremes, bool finest)
    : shift_(at::empty({extremes.points(), extremes.units()}, at::kDouble)),
      scale_(at::empty({extremes.points(), extremes.units()}, at::kDouble)),
      finest_(finest) {
  std::vector<double> half(extremes.units());
  for (std::int64_t point = 0; point < extremes.points(); ++point) {
    const std::span shift = line(shift_, point);
    const std::span scale = line(scale_, point);
    for (std::int64_t d = 0; d < extremes.units(); ++d) {
      const double low = extremes.least(point, d);
      const double high = extremes.greatest(point, d);
      if (!std::isfinite(low) || !std::isfinite(high)) {
        throw core::internal_error(
            "quanta need finite rows, at least one",
            core::concat("capture point ", point, ", unit ", d, " from ", low, " to ", high),
            "please report it with the command line");
      }
      shift[d] = low / 2 + high / 2;  // halves first: the sum of two may overflow
      half[d] = high / 2 - low / 2;
      scale[d] = half[d] > 0 ? power_of_two(half[d]) : 1;
    }
    if (!finest) scales_of_pilot(half, shift, scale);
    for (const double value : scale) density_.push_back(1 / value);
  }
}

Quanta::Quanta(core::StateReader& state, const Extent& extent)
    : shift_(at::empty({extent.points, extent.units}, at::kDouble)),
      scale_(at::empty({extent.points, extent.units}, at::kDouble)),
      finest_(state.take<std::int8_t>() != 0) {
  state.read(bytes_to_fill(shift_));
  state.read(bytes_to_fill(scale_));
  const double* scale = scale_.const_data_ptr<double>();
  for (std::int64_t i = 0; i < scale_.numel(); ++i) density_.push_back(1 / scale[i]);
}

Quanta Quanta::load(core::StateReader& state, const Extent& extent) {
  return {state, extent};
}

void Quanta::save(core::StateWriter& state) const {
  state.put(std::int8_t{finest_});
  state.write(bytes_of(shift_));
  state.write(bytes_of(scale_));
}

double Quanta::rounding(std::int64_t point, std::int64_t rows, const Extremes& extremes) const {
  double squares = 0;
  for (std::int64_t d = 0; d < units(); ++d) {
    if (extremes.varies(point, d)) squares += scale(point)[d] * scale(point)[d];
  }
  return static_cast<double>(rows) * squares;
}

Quanta Quanta::of_pilot(const parallel::Communicator& ranks, Extremes pilot) {
  return agreed(ranks, std::move(pilot), false);
}

Quanta Quanta::of_all_rows(const parallel::Communicator& ranks, Extremes extremes) {
  return agreed(ranks, std::move(extremes), true);
}

Quanta Quanta::agreed(const parallel::Communicator& ranks, Extremes extremes, bool finest) {
  extremes.reduce(ranks);
  std::optional<Quanta> quanta;
  parallel::agree(ranks, "quanta of exact sums", [&] { quanta = Quanta(extremes, finest); });
  return *std::move(quanta);
}

}  // namespace orrery::statistics
