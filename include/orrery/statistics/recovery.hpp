#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

namespace orrery::statistics {

// How perturbed streams come back to the unperturbed one beside them (science.md, section 4): n
// perturbations, p points from the first one on. Tensors are float64, on the CPU.

/// How many points after the first a distance d takes to halve: the least s with d[s] ≤ d[0]/2, log d being
/// linear between points; +∞ where it never does, NaN where d[0] = 0.
double half_life(std::span<const double> distances);

/// (n, p − 1): log(d[s + 1]/d[s]) of distances (n, p), the rate at which they grow. NaN from or to 0.
at::Tensor exponents(const at::Tensor& distances);

/// (p − 1): the share of perturbed paths z′ (n, p, 2) that at each step come nearer to the unperturbed one z
/// (p, 2) than that one moves itself: ⟨(z′[s+1] − z′[s]) − (z[s+1] − z[s]), z[s] − z′[s]⟩ > 0. Scores in the
/// first two pooled components. NaN without paths.
at::Tensor inward_fraction(const at::Tensor& perturbed, const at::Tensor& unperturbed);

/// What is measured of perturbations.
struct PerturbedRuns {
  at::Tensor distance;  ///< (n, p) to the unperturbed stream
  at::Tensor cosine;    ///< (n, p) with it
  at::Tensor path;      ///< (n, p, 2) scores in the first two pooled components
  at::Tensor kl;        ///< (n) nats
  at::Tensor same_top;  ///< (n) 1 where the most likely token is the same, else 0
};
/// What they are held against.
struct UnperturbedRun {
  at::Tensor norm;    ///< (p) length of the stream
  at::Tensor path;    ///< (p, 2)
  at::Tensor spread;  ///< (p) √(2 tr C_s): the distance between two samples
};

/// How a set of perturbations of one stream comes back: means over the set, undefined entries left out; NaN
/// where none is left.
struct Recovery {
  std::vector<double> half_life;  ///< (n) of each, in points
  at::Tensor ratio;               ///< (p) d[s]/d[0]
  at::Tensor relative_distance;   ///< (p) d[s]/‖x[s]‖
  at::Tensor spread_distance;     ///< (p) d[s] over the spread of samples
  at::Tensor cosine;              ///< (p)
  at::Tensor exponent;            ///< (p − 1)
  at::Tensor inward_fraction;     ///< (p − 1)
  double halved = 0;              ///< share of half-lives that are finite
  double half_life_median = 0;    ///< the lower of the two in the middle
  double kl = 0;
  double top1 = 0;
};
Recovery recovery_of(const PerturbedRuns& runs, const UnperturbedRun& beside);

}  // namespace orrery::statistics
