#pragma once

#include "orrery/core/index.hpp"
#include "orrery/parallel/communicator.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace orrery::statistics {

/// N, P and D of a run (design.md): rows, capture points, units.
struct Extent {
  std::int64_t samples = 0;
  std::int64_t points = 0;
  std::int64_t units = 0;
};

/// The rows that a rank measured: what the forward leaves behind.
struct SampleShard {
  /// The sample of each of n rows. Of kept rows: any order, every sample once, on exactly one rank.
  std::vector<core::Sample> samples;
  at::Tensor x;  ///< (n, P, D) float32 or float64, CPU, contiguous
};

/// All rows of a rank's units: blocks of `unit_block` units, dealt round robin.
struct UnitShard {
  std::vector<std::int64_t> units;  ///< u of them, ascending
  at::Tensor x;                     ///< (u, P, N), dtype as the rows', samples in order
};

/// All rows of a rank's capture points: successive ones, in order of ranks, as many as any other's but for
/// one.
struct PointShard {
  std::vector<core::Point> points;  ///< p of them, ascending
  at::Tensor x;                     ///< (p, N, D), dtype as the rows', samples in order
};

/// Units are dealt, and their means over units added up, in blocks of this many: so that a sum's order is the
/// same for any number of ranks.
constexpr std::int64_t unit_block = 64;

/// The units of rank `rank` of `ranks`, ascending: its blocks.
std::vector<std::int64_t> units_of(int rank, int ranks, std::int64_t units);

/// Points `begin` … `end` − 1.
struct PointRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
  bool holds(std::int64_t point) const { return begin <= point && point < end; }
};

/// The points of rank `rank` of `ranks`.
PointRange points_of(int rank, int ranks, std::int64_t points);

/// The length beyond which a stream can't be measured. The model's norms take its square, in `norm_dtype`,
/// and where that overflows give 0 without a word. And what is stored as float32 must stay a number: scores,
/// distances and lengths, none of which is more than twice that of the longest stream.
double longest_stream(at::ScalarType norm_dtype);

/// A stream that can't be measured.
struct StreamFault {
  bool is_finite = false;  ///< its numbers are: it is too long
  std::string seen;        ///< "NaN at sample 3, point 2", "sample 3, point 2, beyond a length of 1.84e+19"
};

/// The first sample and point (in the shard's order) with a NaN or an infinity, or with a stream longer than
/// `longest`; nothing where there is none. The statistics take finite rows for granted, and that fourth
/// powers of their numbers are finite.
std::optional<StreamFault> find_fault(const SampleShard& rows, double longest = longest_stream(at::kDouble));

/// Collective: the rows by unit, whichever rank each row came from and in whatever order. One partner's block
/// is in flight at a time. Throws internal_error on all ranks where a shard's shape is not (n, P, D), ranks
/// differ in dtype, or a sample is missing or twice there.
UnitShard by_unit(const parallel::Communicator& ranks, const SampleShard& rows, const Extent& extent);

/// Collective: the rows by capture point, in the same manner.
PointShard by_point(const parallel::Communicator& ranks, const SampleShard& rows, const Extent& extent);

}  // namespace orrery::statistics
