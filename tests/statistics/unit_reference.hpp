#pragma once

#include "tests/statistics/data.hpp"

#include <cstdint>
#include <vector>

/// The plain formulas of what is measured on units: as NumPy would have them, with arctangents and wrapping.
namespace orrery::statistics::reference {

using testing::Data;

/// Δθ of a trajectory's portrait: numpy.gradient, atan2, wrapped to [−π, π).
std::vector<double> turning_angles(const std::vector<double>& a);
double turns(const std::vector<double>& a);

/// The trajectories of unit d at all points but the last.
std::vector<double> sample_trajectory(const Data& data, std::int64_t n, std::int64_t d);
std::vector<double> mean_trajectory(const Data& data, std::int64_t d);

// Draw k of the nulls of unit d: the trajectory that is made of `a`.
std::vector<double> permute_points(std::vector<double> a, std::uint64_t seed, std::int64_t d, std::int64_t k);
std::vector<double> permute_layers(const std::vector<double>& a, std::uint64_t seed, std::int64_t d,
                                   std::int64_t k);
std::vector<double> permute_steps(const std::vector<double>& a, std::uint64_t seed, std::int64_t d,
                                  std::int64_t k);
std::vector<double> draw_signs(const std::vector<double>& a, std::uint64_t seed, std::int64_t d,
                               std::int64_t k);

/// Mutual information of two lists by the sums of p log p/(p q), on `bins` × `bins`, bias corrected.
double information(const std::vector<double>& x, const std::vector<double>& y, std::int64_t bins);

}  // namespace orrery::statistics::reference
