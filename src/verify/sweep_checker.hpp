#pragma once

#include "file_checker.hpp"
#include "orrery/archive/sweep_layout.hpp"
#include "orrery/core/mean.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::verify {

/// What rounding to float32 may do to a number, as a share of it.
inline constexpr double rounding_of_float = epsilon_of_float / 2;

/// A kind of perturbation, and where a sweep file has what its streams do. A case has `each_case` of them,
/// one after the other; noise has a case for each epsilon.
struct PerturbedKind {
  std::string group;       ///< "/teleport", …
  std::string half_life;   ///< path of the half-lives
  std::int64_t streams;    ///< for each prompt and start layer
  std::int64_t each_case;  ///< of which are of one case
};

/// A sweep file under scrutiny.
class SweepChecker : public FileChecker {
 public:
  using FileChecker::FileChecker;

  const archive::SweepExtent& extent() const { return extent_; }
  std::int64_t prompts() const { return std::ssize(extent_.prompts); }
  std::int64_t start_layers() const { return std::ssize(extent_.start_layers); }
  /// s₀, the point from which on streams of start layer number `m` are perturbed.
  std::int64_t start(std::int64_t m) const {
    return start_of(extent_.start_layers[static_cast<std::size_t>(m)]);
  }
  /// The same of a layer by its number.
  std::int64_t start_of(std::int64_t layer) const {
    return extent_.point_map.first_of(core::Layer(layer)).value();
  }
  /// Those that ran, in the order of their cases.
  std::vector<PerturbedKind> kinds() const;
  /// What rounding to the run's residual dtype may do to a number, as a share of it.
  double residual_rounding() const;

  /// Of a distance over a spread or a length of 0, and of its mean over prompts.
  bool is_undefined(const std::string& path, std::int64_t entry) const override;

  /// What the file's sizes say that it holds; false, and told, where no sweep has such sizes.
  bool take_sizes();

 private:
  archive::SweepExtent extent_;
};

/// What rounding may do to the mean where each number is off by `share` of itself. A sum of n numbers is off
/// by at most n roundings of the sum of their magnitudes.
inline double rounding_of(const core::Mean& mean, double share) {
  return (share + (mean.count() + 4) * epsilon) * mean.magnitude();
}

/// The median of those that are not NaN, the lower of the two middle ones of an even number; NaN where all
/// are.
double lower_median(std::vector<double> numbers);

}  // namespace orrery::verify
