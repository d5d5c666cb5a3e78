#pragma once

#include <array>
#include <span>
#include <vector>

namespace orrery::statistics {

/// How many points after the first a distance d takes to halve: the least s with d[s] ≤ d[0]/2, log d being
/// linear between points; +∞ where it never does, NaN where d[0] = 0 (science.md, section 4).
double half_life(std::span<const double> distances);

/// (n − 1): log(d[s + 1]/d[s]), the rate at which a distance grows. NaN from 0 to 0.
std::vector<double> exponents(std::span<const double> distances);

/// Scores in the first two pooled components at each of p points.
using PlanePath = std::vector<std::array<double, 2>>;

/// (p − 1): the share of perturbed paths z′ that at each step come nearer to the unperturbed one z than that
/// one moves itself: ⟨(z′[s+1] − z′[s]) − (z[s+1] − z[s]), z[s] − z′[s]⟩ > 0. NaN without paths.
std::vector<double> inward_fraction(std::span<const PlanePath> perturbed, const PlanePath& unperturbed);

}  // namespace orrery::statistics
