#include "orrery/statistics/shards.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/parallel/exchange.hpp"
#include "row_access.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
#include <string>

namespace orrery::statistics {
namespace {

using parallel::Communicator;

core::Error malformed(const std::string& seen) {
  return core::internal_error("a rank's rows are not what was planned", seen,
                              "please report it with the command line");
}

/// Throws unless the shard is (n, P, D) of a float type, contiguous.
void check_shape(const SampleShard& rows, const Extent& extent) {
  const at::Tensor& x = rows.x;
  const bool shaped = x.defined() && x.dim() == 3 && x.size(0) == std::ssize(rows.samples) &&
                      x.size(1) == extent.points && x.size(2) == extent.units && x.is_contiguous();
  if (!shaped)
    throw malformed(core::concat("a shard of ", rows.samples.size(), " samples with another shape"));
  with_rows(x, [](const auto*) {});
}

/// Collective: the samples of each rank, after checks that all of 0 … N − 1 are there once and that dtypes
/// agree.
std::vector<std::vector<std::int64_t>> samples_by_rank(const Communicator& ranks, const SampleShard& rows,
                                                       const Extent& extent) {
  parallel::agree(ranks, "rows to redistribute", [&] { check_shape(rows, extent); });
  const std::int64_t size = rows.x.element_size();
  const bool mixed = ranks.min(size) != ranks.max(size);
  std::vector<std::vector<std::int64_t>> samples(ranks.size());
  parallel::exchange<std::int64_t>(
      ranks,
      [&](int) {
        std::vector<std::int64_t> mine;
        for (const core::Sample sample : rows.samples) mine.push_back(sample.value());
        return mine;
      },
      [&](int from, std::span<const std::int64_t> theirs) {
        samples[from].assign(theirs.begin(), theirs.end());
      });
  parallel::agree(ranks, "rows to redistribute", [&] {
    if (mixed) throw malformed("float32 on one rank, float64 on another");
    std::vector<bool> seen(extent.samples);
    std::int64_t count = 0;
    for (const auto& list : samples) {
      for (const std::int64_t sample : list) {
        if (sample < 0 || sample >= extent.samples || seen[sample]) {
          throw malformed(core::concat("sample ", sample, " twice, or beyond ", extent.samples));
        }
        seen[sample] = true;
        ++count;
      }
    }
    if (count != extent.samples) throw malformed(core::concat(count, " of ", extent.samples, " samples"));
  });
  return samples;
}

/// The row-by-row piece of `x` (n, P, D) that holds `units` only: (n, P, u).
template <class T>
std::vector<T> pack_units(const T* x, std::int64_t rows, const std::vector<std::int64_t>& units,
                          const Extent& extent) {
  std::vector<T> packed;
  packed.reserve(rows * extent.points * units.size());
  for (std::int64_t line = 0; line < rows * extent.points; ++line) {
    const T* stream = x + line * extent.units;
    for (std::size_t u = 0; u < units.size();) {  // in runs of neighbouring units: a block each
      const std::size_t end = std::min(u + unit_block, units.size());
      packed.insert(packed.end(), stream + units[u], stream + units[u] + (end - u));
      u = end;
    }
  }
  return packed;
}

/// Writes rows of `samples`, whose units lie `columns` apart at `from[(row·P + point)·width + columns[u]]`,
/// to `to` (u, P, N). Goes by point and block of units, so that both sides stay in the cache.
template <class T>
void scatter_units(const T* from, std::int64_t width, const std::vector<std::int64_t>& columns,
                   const std::vector<std::int64_t>& samples, const Extent& extent, T* to) {
  const std::int64_t units = std::ssize(columns);
  for (std::int64_t point = 0; point < extent.points; ++point) {
    for (std::int64_t first = 0; first < units; first += unit_block) {
      for (std::int64_t u = first; u < std::min(first + unit_block, units); ++u) {
        const T* source = from + point * width + columns[u];
        T* target = to + (u * extent.points + point) * extent.samples;
        for (std::size_t row = 0; row < samples.size(); ++row) {
          target[samples[row]] = source[row * extent.points * width];
        }
      }
    }
  }
}

template <class T>
void exchange_units(const Communicator& ranks, const SampleShard& rows, const Extent& extent,
                    const std::vector<std::vector<std::int64_t>>& samples, UnitShard& shard) {
  const T* x = rows.x.const_data_ptr<T>();
  T* to = shard.x.mutable_data_ptr<T>();
  std::vector<std::int64_t> packed_columns(shard.units.size());
  for (std::size_t u = 0; u < packed_columns.size(); ++u) packed_columns[u] = u;
  parallel::exchange<T>(
      ranks,
      [&](int rank) {
        if (rank == ranks.rank()) return std::vector<T>();  // goes straight from our rows, without a copy
        return pack_units(x, std::ssize(rows.samples), units_of(rank, ranks.size(), extent.units), extent);
      },
      [&](int rank, std::span<const T> theirs) {
        if (rank == ranks.rank())
          return scatter_units(x, extent.units, shard.units, samples[rank], extent, to);
        scatter_units(theirs.data(), std::ssize(shard.units), packed_columns, samples[rank], extent, to);
      });
}

template <class T>
void exchange_points(const Communicator& ranks, const SampleShard& rows, const Extent& extent,
                     const std::vector<std::vector<std::int64_t>>& samples, PointShard& shard) {
  const T* x = rows.x.const_data_ptr<T>();
  T* to = shard.x.mutable_data_ptr<T>();
  const std::int64_t own = std::ssize(shard.points);
  const auto stream = [&](std::int64_t row, std::int64_t point) {
    return x + (row * extent.points + point) * extent.units;
  };
  const auto place = [&](std::int64_t p, std::int64_t sample) {
    return to + (p * extent.samples + sample) * extent.units;
  };
  parallel::exchange<T>(
      ranks,
      [&](int rank) {
        std::vector<T> packed;
        if (rank == ranks.rank()) return packed;
        const PointRange theirs = points_of(rank, ranks.size(), extent.points);
        packed.reserve(rows.samples.size() * (theirs.end - theirs.begin) * extent.units);
        for (std::int64_t row = 0; row < std::ssize(rows.samples); ++row) {
          packed.insert(packed.end(), stream(row, theirs.begin), stream(row, theirs.end));
        }
        return packed;
      },
      [&](int rank, std::span<const T> theirs) {
        for (std::int64_t row = 0; row < std::ssize(samples[rank]); ++row) {
          for (std::int64_t p = 0; p < own; ++p) {
            const T* from = rank == ranks.rank() ? stream(row, shard.points[p].value())
                                                 : theirs.data() + (row * own + p) * extent.units;
            std::copy_n(from, extent.units, place(p, samples[rank][row]));
          }
        }
      });
}

template <class T>
std::optional<StreamFault> find_fault_in(const SampleShard& rows, double longest, const T* x) {
  const std::int64_t points = rows.x.size(1);
  const std::int64_t units = rows.x.size(2);
  for (std::int64_t line = 0; line < rows.x.size(0) * points; ++line) {
    const T* stream = x + line * units;
    double square = 0;
    for (std::int64_t d = 0; d < units; ++d)
      square += static_cast<double>(stream[d]) * static_cast<double>(stream[d]);
    // A NaN, an infinity or a square of a double that overflows fails, too.
    if (std::sqrt(square) <= longest) continue;
    const std::string where =
        core::concat("sample ", rows.samples[line / points].value(), ", point ", line % points);
    if (std::all_of(stream, stream + units, [](T value) { return std::isfinite(value); })) {
      return StreamFault{true, core::concat(where, ", beyond a length of ", std::setprecision(3), longest)};
    }
    const bool nan = std::any_of(stream, stream + units, [](T value) { return std::isnan(value); });
    return StreamFault{false, core::concat(nan ? "NaN" : "infinity", " at ", where)};
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::int64_t> units_of(int rank, int ranks, std::int64_t units) {
  std::vector<std::int64_t> mine;
  for (std::int64_t first = rank * unit_block; first < units; first += ranks * unit_block) {
    for (std::int64_t unit = first; unit < std::min(first + unit_block, units); ++unit) mine.push_back(unit);
  }
  return mine;
}

PointRange points_of(int rank, int ranks, std::int64_t points) {
  return {points * rank / ranks, points * (rank + 1) / ranks};
}

double longest_stream(at::ScalarType norm_dtype) {
  constexpr double most = std::numeric_limits<float>::max();
  return norm_dtype == at::kFloat ? std::sqrt(most) : most / 4;
}

std::optional<StreamFault> find_fault(const SampleShard& rows, double longest) {
  std::optional<StreamFault> found;
  with_rows(rows.x, [&](const auto* x) { found = find_fault_in(rows, longest, x); });
  return found;
}

UnitShard by_unit(const Communicator& ranks, const SampleShard& rows, const Extent& extent) {
  const auto samples = samples_by_rank(ranks, rows, extent);
  UnitShard shard;
  parallel::agree(ranks, "rows by unit", [&] {
    shard.units = units_of(ranks.rank(), ranks.size(), extent.units);
    shard.x = at::empty({std::ssize(shard.units), extent.points, extent.samples}, rows.x.scalar_type());
  });
  if (rows.x.scalar_type() == at::kFloat) {
    exchange_units<float>(ranks, rows, extent, samples, shard);
  } else {
    exchange_units<double>(ranks, rows, extent, samples, shard);
  }
  return shard;
}

PointShard by_point(const Communicator& ranks, const SampleShard& rows, const Extent& extent) {
  const auto samples = samples_by_rank(ranks, rows, extent);
  PointShard shard;
  parallel::agree(ranks, "rows by point", [&] {
    const PointRange mine = points_of(ranks.rank(), ranks.size(), extent.points);
    for (std::int64_t point = mine.begin; point < mine.end; ++point) shard.points.emplace_back(point);
    shard.x = at::empty({std::ssize(shard.points), extent.samples, extent.units}, rows.x.scalar_type());
  });
  if (rows.x.scalar_type() == at::kFloat) {
    exchange_points<float>(ranks, rows, extent, samples, shard);
  } else {
    exchange_points<double>(ranks, rows, extent, samples, shard);
  }
  return shard;
}

}  // namespace orrery::statistics
