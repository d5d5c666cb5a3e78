#pragma once

#include "orrery/core/point_map.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/shards.hpp"
#include "orrery/statistics/unit_statistics.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace orrery::statistics {

// The controls of science.md, section 1, and their measures of units. Every random choice is keyed by `seed`
// as core::Purpose says.

/// The sample shown at each place of point `point`: 0 … N − 1 permuted, another permutation for each point.
std::vector<std::int64_t> permuted_samples(std::uint64_t seed, std::int64_t point, std::int64_t samples);

/// The point shown at each place: the layers permuted, the points of a layer together in order; the final
/// point stays.
std::vector<std::int64_t> permuted_layers(std::uint64_t seed, const core::PointMap& points);

/// An orthogonal matrix (D, D) float64, uniform over all of them: Q of the QR decomposition of independent
/// normal numbers, with the signs of its columns such that R's diagonal is positive. Not collective: the same
/// bits on every rank. Holds about four such matrices for a while.
at::Tensor random_basis(std::int64_t units, std::uint64_t seed);

/// The rows x·`basis`, in the dtype of `rows`. Each sample's P rows are multiplied by themselves, in double
/// precision and padded with zeros to a multiple of 16: so that a row's bits don't depend on which rows its
/// rank has, nor on where it lies in them. Not collective.
SampleShard rotate(const SampleShard& rows, const at::Tensor& basis, int threads);

/// What a control measures of units. On rank 0; empty elsewhere.
struct UnitControl {
  std::vector<double> correlation;  ///< (P, P) mean over units, as UnitStatistics::correlation
  std::vector<double> turns;        ///< (D) of points 0 … S − 1, signed (rotation.hpp)
};

/// Collective: samples permuted independently at each point; `turns` are means over samples of each sample's
/// own. The same bits for any number of ranks and threads, as all below.
UnitControl sample_permuted_units(const parallel::Communicator& ranks, const UnitShard& shard,
                                  const Extent& extent, std::uint64_t seed, int threads);

/// Collective: `shard` has the rows of `rotate`; `turns` are those of the mean trajectory.
UnitControl random_basis_units(const parallel::Communicator& ranks, const UnitShard& shard,
                               const Extent& extent, int threads);

/// Collective: points relabelled by `permuted_layers`; `turns` are those of the mean trajectory.
UnitControl layer_permuted_units(const parallel::Communicator& ranks, const UnitStatistics& units,
                                 const Extent& extent, const core::PointMap& points, std::uint64_t seed,
                                 int threads);

}  // namespace orrery::statistics
