#include "orrery/statistics/streamed_moments.hpp"

#include "memory_sizes.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/not_a_number.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "row_access.hpp"
#include "unit_sums.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

namespace orrery::statistics {
namespace {

using core::not_a_number;

// Sums are exact, so that how rows are cut up matters to memory and speed alone.
constexpr std::int64_t slab = 512;       // rows of a point that are quantised at once
constexpr std::int64_t unit_slab = 128;  // rows of a strip of units
constexpr std::int64_t strip = 16;       // units: as many float32 as a cache line has

std::int64_t strips(const Extent& extent) {
  return (extent.units + strip - 1) / strip;
}

int owner_of_unit(std::int64_t unit, int ranks) {
  return static_cast<int>(unit / unit_block % ranks);
}

int owner_of_point(std::int64_t point, int ranks, std::int64_t points) {
  int owner = 0;
  while (!points_of(owner, ranks, points).holds(point)) ++owner;
  return owner;
}

/// An odd multiple of 2⁻²¹ between −1/2 and 1/2 that each row has for its own: a hash of its stream at the
/// last point, where few rows are equal.
std::vector<double> dithers(const at::Tensor& rows) {
  const std::int64_t units = rows.size(2);
  std::vector<double> result(rows.size(0));
  with_rows(rows, [&](const auto* x) {
    for (std::int64_t n = 0; n < rows.size(0); ++n) {
      const auto* stream = x + ((n + 1) * rows.size(1) - 1) * units;
      std::uint64_t hash = 0;
      for (std::int64_t d = 0; d < units; ++d) {
        hash =
            (hash ^ std::bit_cast<std::uint64_t>(static_cast<double>(stream[d]) + 0.0)) * 0x9E3779B97F4A7C15;
        hash ^= hash >> 32;
      }
      const std::int64_t drawn = static_cast<std::int64_t>(hash) >> 44;  // −2¹⁹ … 2¹⁹ − 1
      result[n] = static_cast<double>(2 * drawn + 1) * 0x1p-21;
    }
  });
  return result;
}

/// What a unit's centred products (P, P), in quanta, say about it.
class QuantisedUnit {
 public:
  QuantisedUnit(const GramSums& sums, std::int64_t unit, const Quanta& quanta, const Extremes& extremes)
      : unit_(unit),
        points_(sums.side()),
        rows_(static_cast<double>(sums.rows(unit))),
        quanta_(quanta),
        extremes_(extremes),
        products_(points_ * points_) {
    sums.centred_rows(unit, 0, points_, [&](std::int64_t one, std::span<const double> line) {
      std::copy(line.begin(), line.end(), products_.begin() + one * points_ + one);
    });
  }

  double variance(std::int64_t point) const {
    const double scale = quanta_.scale(point)[unit_];
    return rows_ > 1 ? product(point, point) / rows_ / (rows_ - 1) * scale * scale : not_a_number;
  }

  double correlation(std::int64_t one, std::int64_t other) const {
    if (!varies(one) || !varies(other)) return not_a_number;
    if (one == other) return 1;
    const double both = product(one, other);
    const double r = both / std::sqrt(product(one, one)) / std::sqrt(product(other, other));
    return std::clamp(r, -1.0, 1.0);
  }

  /// σ_s/√(σ_s² + σ_Δ²), all in quanta of point s.
  double residual_null(std::int64_t step) const {
    if (!varies(step) || !varies(step + 1)) return not_a_number;
    const double ratio = quanta_.scale(step + 1)[unit_] / quanta_.scale(step)[unit_];
    const double here = product(step, step);
    const double next = product(step + 1, step + 1) * ratio * ratio;
    const double changes = std::max(here + next - 2 * ratio * product(step, step + 1), 0.0);
    return std::sqrt(here / (here + changes));
  }

 private:
  bool varies(std::int64_t point) const { return extremes_.varies(point, unit_); }
  double product(std::int64_t one, std::int64_t other) const { return products_[one * points_ + other]; }

  std::int64_t unit_;
  std::int64_t points_;
  double rows_;
  const Quanta& quanta_;
  const Extremes& extremes_;
  std::vector<double> products_;  // (P, P), upper triangle
};

}  // namespace

StreamedMoments::StreamedMoments(const Extent& extent, Quanta quanta, const PassContent& content)
    : extent_(extent),
      quanta_(std::move(quanta)),
      content_(content),
      extremes_(extent),
      unit_sums_(content.units ? extent.units : 0, extent.points),
      point_sums_(content.points.size(), extent.units) {}

std::int64_t StreamedMoments::bytes(const Extent& extent, const PassContent& content, int threads) {
  const std::int64_t sums = GramSums::bytes(content.units ? extent.units : 0, extent.points) +
                            GramSums::bytes(content.points.size(), extent.units);
  const std::int64_t extremes_and_quanta = 5 * number_bytes * extent.points * extent.units;
  const std::int64_t scratch = std::max((slab + GramSums::panel) * extent.units,
                                        (strip * unit_slab + GramSums::panel) * extent.points);
  return sums + extremes_and_quanta + threads * number_bytes * scratch;
}

void StreamedMoments::add(const at::Tensor& rows, int threads) {
  if (rows.dim() != 3 || rows.size(1) != extent_.points || rows.size(2) != extent_.units ||
      !rows.is_contiguous()) {
    throw core::internal_error("rows to be added up have another shape than planned",
                               core::concat(rows.sizes()), "please report it with the command line");
  }
  // The dearest first, so that threads end together.
  const std::int64_t covariances = overflow_ ? 0 : content_.points.size();
  const std::int64_t unit_strips = overflow_ || !content_.units ? 0 : strips(extent_);
  const std::int64_t items = covariances + unit_strips + extent_.points;
  const std::vector<double> dither = dithers(rows);
  schedule::parallel_for(items, threads, [&](std::int64_t item) {
    if (item < covariances) return add_point(rows, dither, content_.points.begin + item);
    if (item < covariances + unit_strips) return add_units(rows, dither, (item - covariances) * strip);
    extremes_.add_point(rows, item - covariances - unit_strips);
  });
}

void StreamedMoments::add_point(const at::Tensor& rows, std::span<const double> dither, std::int64_t point) {
  const std::int64_t units = extent_.units;
  const at::Tensor buffer = at::empty({std::min(slab, rows.size(0)), units}, at::kDouble);
  double* q = buffer.mutable_data_ptr<double>();
  for (std::int64_t first = 0; first < rows.size(0) && !overflow_; first += slab) {
    const std::int64_t count = std::min(slab, rows.size(0) - first);
    bool fits = true;
    with_rows(rows, [&](const auto* x) {
      for (std::int64_t n = 0; n < count; ++n) {
        const auto* stream = x + ((first + n) * extent_.points + point) * units;
        fits &= quantise(stream, units, quanta_.shift(point), quanta_.density(point), dither[first + n],
                         q + n * units);
      }
    });
    if (fits) {
      point_sums_.add(point - content_.points.begin, buffer.narrow(0, 0, count));
    } else {
      overflow_ = true;
    }
  }
}

void StreamedMoments::add_units(const at::Tensor& rows, std::span<const double> dither,
                                std::int64_t first_unit) {
  const std::int64_t points = extent_.points;
  const std::int64_t width = std::min(strip, extent_.units - first_unit);
  std::array<double, strip> run{};
  for (std::int64_t first = 0; first < rows.size(0) && !overflow_; first += unit_slab) {
    const std::int64_t count = std::min(unit_slab, rows.size(0) - first);
    const at::Tensor buffer = at::empty({width, count, points}, at::kDouble);
    double* q = buffer.mutable_data_ptr<double>();
    bool fits = true;
    with_rows(rows, [&](const auto* x) {
      for (std::int64_t line = 0; line < count * points; ++line) {  // a row at a point
        const std::int64_t point = line % points;
        fits &= quantise(x + (first * points + line) * extent_.units + first_unit, width,
                         quanta_.shift(point) + first_unit, quanta_.density(point) + first_unit,
                         dither[first + line / points], run.data());
        for (std::int64_t u = 0; u < width; ++u) q[u * count * points + line] = run[u];
      }
    });
    if (!fits) overflow_ = true;
    for (std::int64_t u = 0; u < width && fits; ++u) unit_sums_.add(first_unit + u, buffer.select(0, u));
  }
}

bool StreamedMoments::must_repeat(const parallel::Communicator& ranks) {
  extremes_.reduce(ranks);
  if (ranks.max(std::int64_t{overflow_}) != 0) return true;
  if (!content_.units) return false;
  for (std::int64_t first = 0; first < extent_.units; first += unit_block) {
    unit_sums_.reduce(ranks, first, owner_of_unit(first, ranks.size()),
                      std::min(unit_block, extent_.units - first));
  }
  if (quanta_.finest()) return false;
  const std::vector<std::int64_t> mine = units_of(ranks.rank(), ranks.size(), extent_.units);
  const bool coarse = std::any_of(mine.begin(), mine.end(), [&](std::int64_t d) { return too_coarse(d); });
  return ranks.max(std::int64_t{coarse}) != 0;
}

void StreamedMoments::gather(const parallel::Communicator& ranks) {
  overflow_ = ranks.max(std::int64_t{overflow_}) != 0;
  for (std::int64_t first = 0; first < unit_sums_.batch(); first += unit_block) {
    unit_sums_.gather(ranks, first, owner_of_unit(first, ranks.size()),
                      std::min(unit_block, unit_sums_.batch() - first));
  }
  for (std::int64_t item = 0; item < point_sums_.batch(); ++item) {
    point_sums_.gather(ranks, item,
                       owner_of_point(content_.points.begin + item, ranks.size(), extent_.points));
  }
}

void StreamedMoments::save(core::StateWriter& state) {
  state.put(std::int8_t{overflow_});
  extremes_.save(state);
  unit_sums_.save(state);
  point_sums_.save(state);
}

void StreamedMoments::add_saved(core::StateReader& state) {
  if (state.take<std::int8_t>() != 0) overflow_ = true;
  extremes_.add_saved(state);
  unit_sums_.add_saved(state);
  point_sums_.add_saved(state);
}

bool StreamedMoments::too_coarse(std::int64_t unit) const {
  const double rows = static_cast<double>(unit_sums_.rows(unit));
  for (std::int64_t point = 0; point < extent_.points; ++point) {
    if (!extremes_.varies(point, unit)) continue;
    const double squares = unit_sums_.centred(unit, point, point) / rows;  // ‖y‖²
    if (squares < Quanta::least_norm * Quanta::least_norm) return true;
    if (squares < Quanta::least_spread * Quanta::least_spread * (rows - 1)) return true;
  }
  return false;
}

// A constant unit's shift is its value, and its numbers are 0.
double StreamedMoments::mean(const GramSums& sums, std::int64_t item, std::int64_t i, std::int64_t point,
                             std::int64_t unit) const {
  const double quanta = sums.sum(item, i) / static_cast<double>(sums.rows(item));
  return quanta_.shift(point)[unit] + quanta_.scale(point)[unit] * quanta;
}

UnitStatistics StreamedMoments::unit_statistics(const parallel::Communicator& ranks, int threads) const {
  constexpr const char* phase = "statistics of units";
  const std::int64_t points = extent_.points;
  UnitStatistics result;
  parallel::agree(ranks, phase, [&] {
    result.units = units_of(ranks.rank(), ranks.size(), extent_.units);
    const std::int64_t units = std::ssize(result.units);
    result.mean = at::empty({points, units}, at::kDouble);
    result.variance = at::empty({points, units}, at::kDouble);
    result.adjacent_correlation = at::empty({points - 1, units}, at::kFloat);
  });
  const std::int64_t units = std::ssize(result.units);
  double* means = result.mean.mutable_data_ptr<double>();
  double* variances = result.variance.mutable_data_ptr<double>();
  float* adjacent = result.adjacent_correlation.mutable_data_ptr<float>();
  const std::int64_t pairs = SumRun::size(points * points);
  const auto work = [&](UnitRange range, std::span<double> sums) {
    SumRun correlation(sums, points * points);
    SumRun null(sums.subspan(pairs), points - 1);
    for (std::int64_t u = range.begin; u < range.end; ++u) {
      const std::int64_t d = result.units[u];
      const QuantisedUnit unit(unit_sums_, d, quanta_, extremes_);
      for (std::int64_t s = 0; s < points; ++s) {
        means[s * units + u] = mean(unit_sums_, d, s, s, d);
        variances[s * units + u] = unit.variance(s);
        for (std::int64_t t = s; t < points; ++t) correlation.add(s * points + t, unit.correlation(s, t));
        if (s + 1 == points) break;
        adjacent[s * units + u] = static_cast<float>(unit.correlation(s, s + 1));
        null.add(s, unit.residual_null(s));
      }
    }
  };
  std::vector<double> total =
      sum_over_units(ranks, phase, units, pairs + SumRun::size(points - 1), threads, work);
  parallel::agree(ranks, phase, [&] {
    if (!ranks.is_root()) return;
    const SumRun correlation(total, points * points);
    const SumRun null(std::span<double>(total).subspan(pairs), points - 1);
    result.correlation = mean_correlation(correlation, points);
    for (std::int64_t s = 0; s < points; ++s) {
      for (std::int64_t t = 0; t < points; ++t) {
        result.correlation_units.push_back(correlation.count(std::min(s, t) * points + std::max(s, t)));
      }
      if (s + 1 < points) result.residual_null.push_back(null.mean(s));
    }
  });
  return result;
}

void StreamedMoments::reduce_points(const parallel::Communicator& ranks) {
  for (std::int64_t point = content_.points.begin; point < content_.points.end; ++point) {
    point_sums_.reduce(ranks, point - content_.points.begin,
                       owner_of_point(point, ranks.size(), extent_.points));
  }
}

std::vector<double> StreamedMoments::mean(std::int64_t point) const {
  std::vector<double> means;
  for (std::int64_t d = 0; d < extent_.units; ++d) {
    means.push_back(mean(point_sums_, point - content_.points.begin, d, point, d));
  }
  return means;
}

/// Writes entries (i, j ≥ i) of the scatter matrix, its column `first` at `to` and lines `stride` apart.
void StreamedMoments::scale_rows(std::int64_t point, std::int64_t first, std::int64_t height, double* to,
                                 std::int64_t stride) const {
  const std::int64_t item = point - content_.points.begin;
  const double rows = static_cast<double>(point_sums_.rows(item));
  const double* scale = quanta_.scale(point);
  point_sums_.centred_rows(item, first, height, [&](std::int64_t i, std::span<const double> line) {
    double* row = to + (i - first) * stride + (i - first);
    for (std::size_t j = 0; j < line.size(); ++j) row[j] = line[j] / rows * scale[i] * scale[i + j];
  });
}

at::Tensor StreamedMoments::scatter_panel(std::int64_t point, std::int64_t first, std::int64_t height) const {
  const std::int64_t width = extent_.units - first;
  at::Tensor panel = at::empty({height, width}, at::kDouble);
  double* entry = panel.mutable_data_ptr<double>();
  scale_rows(point, first, height, entry, width);
  for (std::int64_t i = 0; i < height; ++i) {
    for (std::int64_t j = 0; j < i; ++j) entry[i * width + j] = entry[j * width + i];
  }
  return panel;
}

at::Tensor StreamedMoments::scatter(std::int64_t point) const {
  return scatter_panel(point, 0, extent_.units);
}

}  // namespace orrery::statistics
