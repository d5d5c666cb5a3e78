#pragma once

#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/shards.hpp"
#include "tests/support/two_points_a_layer.hpp"

#include <cstdint>
#include <vector>

namespace orrery::statistics::testing {

/// All rows of a small run, x[n, s, d], every number one that float32 holds.
struct Data {
  Extent extent;
  std::vector<double> x;

  double& at(std::int64_t n, std::int64_t s, std::int64_t d) {
    return x[(n * extent.points + s) * extent.units + d];
  }
  double at(std::int64_t n, std::int64_t s, std::int64_t d) const {
    return x[(n * extent.points + s) * extent.units + d];
  }
  /// Points `begin` … `end` − 1 alone.
  Data points(std::int64_t begin, std::int64_t end) const;
  /// The same without samples `begin` … `end` − 1.
  Data without(std::int64_t begin, std::int64_t end) const;
  void round_to_float();
};

/// The capture points of such a run: two of each layer, and the final one.
inline core::PointMap points_of(const Extent& extent) {
  return orrery::test::two_points_a_layer((extent.points - 1) / 2);
}

Data zeros(const Extent& extent);

/// Streams that walk: each point adds a step that depends a little on where it is. The first unit has a
/// massive mean, the second is constant at odd points, where there are so many.
Data walk(const Extent& extent, std::uint64_t seed);

/// Independent normal numbers of spread 1.
Data noise(const Extent& extent, std::uint64_t seed);

/// This rank's share: each sample to a rank drawn by `seed`, in a drawn order; with seed 0 in contiguous
/// blocks. The same on all ranks without a message.
SampleShard deal(const parallel::Communicator& ranks, const Data& data, at::ScalarType dtype,
                 std::uint64_t seed);

/// Whether two contiguous tensors agree in shape and in every bit.
bool same_bits(const at::Tensor& one, const at::Tensor& other);
bool same_bits(const std::vector<double>& one, const std::vector<double>& other);

}  // namespace orrery::statistics::testing
