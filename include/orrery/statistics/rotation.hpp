#pragma once

#include "orrery/core/point_map.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/rotation_nulls.hpp"
#include "orrery/statistics/shards.hpp"

#include <ATen/core/Tensor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace orrery::statistics {

// Rotations of phase portraits (science.md, section 2). A trajectory a[0 … S−1] and its gradient g, central
// inside and one-sided at both ends, make the portrait X = a − a[0], Y = g − g[0]; θ[i] is the direction of
// its step i, and a trajectory turns by R = Σ Δθ/2π. A step of length 0 has direction 0, and a reversal is a
// turn by −π; it is one where the cross product of the two steps, as computed, is 0.

/// The S − 2 turns Δθ of the portrait's direction, wrapped to [−π, π); none where S < 3.
std::vector<double> turning_angles(std::span<const double> a);

/// R, the sum of `turning_angles` over 2π to a few roundings, from the first and the last direction and how
/// often those between pass ±π. Signed; 0 where S < 3.
double turns(std::span<const double> a);

/// Turns that differ by less count as equal in p-values, in both tails: a few large steps make exact ties.
constexpr double equal_turns = 1e-9;

struct RotationOptions {
  std::int64_t permutations = 1000;  ///< draws of each null a unit, `--permutations`
  std::uint64_t seed = 0;            ///< `--seed`
};

/// The turns of each unit's mean trajectory at points 0 … S − 1, and its nulls. On rank 0; empty elsewhere.
struct UnitTurns {
  /// Each (D); R₀ are the turns of the draws.
  struct Null {
    std::vector<double> mean;                ///< of R₀, signed; NaN without draws
    std::vector<double> standard_deviation;  ///< of R₀, divisor draws − 1; NaN at fewer than 2
    std::vector<double> abs_mean;            ///< of |R₀|; NaN without draws
    std::vector<double> p_more;              ///< (1 + #{|R₀| ≥ |R|})/(1 + draws)
    std::vector<double> p_fewer;             ///< (1 + #{|R₀| ≤ |R|})/(1 + draws)
  };
  std::vector<double> turns;              ///< (D) R, signed; 0 for a unit that stands still
  std::array<Null, rotation_nulls> null;  ///< in the order of RotationNull
  /// (S − 9) means over units of Σ Δθ/2π over each run of 8 successive Δθ; empty where S < 10.
  std::vector<double> local_turns;

  const Null& of(RotationNull which) const { return null[static_cast<std::size_t>(which)]; }
};

/// Collective: the turns of this rank's `units`, dealt as `by_unit` does, from their `mean` trajectories
/// (P, u) float64, as UnitStatistics has both. The same bits for any number of ranks and threads.
UnitTurns unit_turns(const parallel::Communicator& ranks, const std::vector<std::int64_t>& units,
                     const at::Tensor& mean, const Extent& extent, const core::PointMap& points,
                     const RotationOptions& options, int threads);

/// Collective: the turns alone, (D) on rank 0, empty elsewhere.
std::vector<double> mean_turns(const parallel::Communicator& ranks, const std::vector<std::int64_t>& units,
                               const at::Tensor& mean, const Extent& extent, int threads);

/// The headline of the rotations, over all units: one that stands still counts, with R = 0.
struct TurnSummary {
  struct Null {
    double mean = 0;              ///< of |R₀| over units and draws
    double more = 0;              ///< share of units with p_more < 0.05
    double fewer = 0;             ///< share of units with p_fewer < 0.05
    double more_discovered = 0;   ///< share of units with Benjamini and Hochberg's q < 0.05 in p_more
    double fewer_discovered = 0;  ///< the same in p_fewer
  };
  double mean = 0;  ///< of |R| over units
  std::array<Null, rotation_nulls> null;
};

/// NaN throughout where there are no units: on ranks other than 0.
TurnSummary summarise(const UnitTurns& turns);

/// Benjamini and Hochberg's q-value of each p-value: the least false discovery rate at which it is found.
std::vector<double> false_discovery_rates(std::span<const double> p);

/// Collective: the summary without each block of samples (SampleBlocks), for standard errors; on rank 0,
/// empty elsewhere. The mean trajectories are those of the samples that stay; their nulls are the first
/// max(1, `permutations`/10) draws of the same keys, so that ten blocks together cost what the nulls of all
/// samples do. p-values are coarser by as much, in all blocks alike.
std::vector<TurnSummary> left_out_turns(const parallel::Communicator& ranks, const UnitShard& shard,
                                        const Extent& extent, const core::PointMap& points,
                                        const RotationOptions& options, int threads);

/// The turns of each sample's own trajectory at points 0 … S − 1, over samples. On rank 0; empty elsewhere.
struct SampleTurns {
  std::vector<double> mean;                ///< (D)
  std::vector<double> standard_deviation;  ///< (D) divisor N − 1; NaN at N = 1
};

/// Collective: the turns of `shard`'s units, sample by sample. The same bits for any number of ranks and
/// threads.
SampleTurns sample_turns(const parallel::Communicator& ranks, const UnitShard& shard, const Extent& extent,
                         int threads);

/// The same of rows (m, P, D), float32 or float64, one by one: (m, D) float64. Not collective.
at::Tensor row_turns(const at::Tensor& rows, int threads);

}  // namespace orrery::statistics
