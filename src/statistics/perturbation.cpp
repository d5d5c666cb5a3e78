#include "orrery/statistics/perturbation.hpp"

#include "orrery/core/narrow.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>

namespace orrery::statistics {
namespace {

/// (G, 2)
at::Tensor as_tensor(const std::vector<std::array<double, 2>>& grid) {
  at::Tensor points = at::empty({std::ssize(grid), 2}, at::kDouble);
  double* to = points.mutable_data_ptr<double>();
  for (const auto& point : grid) to = std::copy(point.begin(), point.end(), to);
  return points;
}

}  // namespace

std::vector<core::Layer> start_layers(std::int64_t layers) {
  std::vector<core::Layer> starts;
  for (const std::int64_t layer :
       {std::int64_t{0}, layers / 4 - 1, layers / 2 - 1, 3 * layers / 4 - 1, layers - 1}) {
    const core::Layer start(std::max<std::int64_t>(layer, 0));
    if (starts.empty() || starts.back() < start) starts.push_back(start);
  }
  return starts;
}

std::vector<std::array<double, 2>> teleport_grid(const std::array<ScoreRange, 2>& ranges, std::int64_t side,
                                                 double widen) {
  const auto along = [&](const ScoreRange& range, std::int64_t i) {
    const double centre = (range.least + range.greatest) / 2;
    const double width = (range.greatest - range.least) * (1 + widen);
    if (side == 1) return centre;
    return centre + width * (static_cast<double>(i) / static_cast<double>(side - 1) - 0.5);
  };
  std::vector<std::array<double, 2>> grid;
  for (std::int64_t second = 0; second < side; ++second) {
    for (std::int64_t first = 0; first < side; ++first) {
      grid.push_back({along(ranges[0], first), along(ranges[1], second)});
    }
  }
  return grid;
}

at::Tensor teleported(const PooledPlane& plane, const std::vector<std::array<double, 2>>& grid) {
  return at::mm(as_tensor(grid), plane.components).add_(plane.mean);
}

at::Tensor shifted(const PooledPlane& plane, const std::vector<std::array<double, 2>>& grid,
                   const at::Tensor& x) {
  const at::Tensor stream = x.to(at::kDouble);
  const at::Tensor score = at::mv(plane.components, stream.sub(plane.mean));  // (2) z₀
  return at::mm(as_tensor(grid).sub_(score), plane.components).add_(stream);
}

at::Tensor random_directions(std::int64_t count, std::int64_t units, std::uint64_t seed,
                             core::Purpose purpose) {
  at::Tensor directions = at::empty({count, units}, at::kDouble);
  for (std::int64_t i = 0; i < count; ++i) {
    core::Random random(seed, purpose, core::narrow<std::uint32_t>(i));
    double* direction = directions.mutable_data_ptr<double>() + i * units;
    std::generate_n(direction, units, [&] { return random.normal(); });
  }
  return directions.div_(at::linalg_vector_norm(directions, 2, {-1}, /*keepdim=*/true));
}

at::Tensor displaced(const at::Tensor& x, const std::vector<double>& epsilons, const at::Tensor& directions) {
  const at::Tensor stream = x.to(at::kDouble);
  const at::Tensor length = at::tensor(epsilons, at::kDouble).mul_(at::linalg_vector_norm(stream));  // (E)
  return length.view({-1, 1, 1}).mul(directions).add_(stream).flatten(0, 1);
}

at::Tensor turned(const at::Tensor& x, const at::Tensor& perturbed, const at::Tensor& directions) {
  const at::Tensor stream = x.to(at::kDouble);
  const at::Tensor length = at::linalg_vector_norm(perturbed.sub(stream), 2, {-1}, /*keepdim=*/true);
  return directions.mul(length).add_(stream);
}

}  // namespace orrery::statistics
