#pragma once

#include "orrery/core/index.hpp"
#include "orrery/core/random.hpp"

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

namespace orrery::statistics {

/// The layers at whose input the paper replaces streams, ascending: {0, ⌊L/4⌋ − 1, ⌊L/2⌋ − 1, ⌊3L/4⌋ − 1, L −
/// 1}, none below 0, repeats dropped (science.md, section 4).
std::vector<core::Layer> start_layers(std::int64_t layers);

/// Least and greatest score of data along a component.
struct ScoreRange {
  double least;
  double greatest;
};

/// (side², 2): the points of a grid over two ranges, each widened about its centre by `widen` of its width,
/// ends included; the first component runs fastest. One point is the centre.
std::vector<std::array<double, 2>> teleport_grid(const std::array<ScoreRange, 2>& ranges, std::int64_t side,
                                                 double widen);

/// The plane of the first two pooled components.
struct PooledPlane {
  at::Tensor mean;        ///< (D) float64
  at::Tensor components;  ///< (2, D) float64, orthonormal
};

/// (G, D) float64: x′ = μ + V z for every point z of a grid ("plane").
at::Tensor teleported(const PooledPlane& plane, const std::vector<std::array<double, 2>>& grid);
/// (G, D) float64: x′ = x + V (z − z₀), z₀ being the scores of x (D): what is not of the plane stays
/// ("shift").
at::Tensor shifted(const PooledPlane& plane, const std::vector<std::array<double, 2>>& grid,
                   const at::Tensor& x);

/// (count, D) float64: unit vectors, uniform on the sphere. The i-th depends on seed, purpose, D and i alone.
at::Tensor random_directions(std::int64_t count, std::int64_t units, std::uint64_t seed,
                             core::Purpose purpose);

/// (E·R, D) float64: x′ = x + ε‖x‖u for every ε and, fastest, every direction u of (R, D).
at::Tensor displaced(const at::Tensor& x, const std::vector<double>& epsilons, const at::Tensor& directions);

/// (n, D) float64: as far from x (D) as each of `perturbed` (n, D), in the directions (n, D): the control of
/// where they went.
at::Tensor turned(const at::Tensor& x, const at::Tensor& perturbed, const at::Tensor& directions);

}  // namespace orrery::statistics
