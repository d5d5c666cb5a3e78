#pragma once

#include "orrery/statistics/rotation.hpp"
#include "turn_counter.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace orrery::statistics {

/// The turns of one unit's trajectory and the draws of its nulls. Scratch for one unit after another.
class TurnNulls {
 public:
  /// The trajectory is that of all `points` but the final one.
  TurnNulls(const core::PointMap& points, const RotationOptions& options);

  /// Takes the trajectory (S) of unit `unit` of the model.
  void assign(std::int64_t unit, std::span<const double> a);

  double turns();
  /// R₀ of draw `index` of a null.
  double draw(RotationNull null, std::int64_t index);

  /// A null's numbers, as UnitTurns::Null has them.
  struct Numbers {
    double mean;
    double standard_deviation;
    double abs_mean;
    double p_more;
    double p_fewer;
  };
  /// All draws of a null against `turns`.
  Numbers numbers(RotationNull null, double turns);

 private:
  const core::PointMap& points_;
  RotationOptions options_;
  TurnCounter counter_;
  std::uint32_t unit_ = 0;
  std::vector<double> a_;           // (S)
  std::vector<double> difference_;  // (S − 1)
  std::vector<double> drawn_;       // a trajectory or its differences
  std::vector<std::int64_t> layer_;
  std::vector<double> turns_;  // (draws)
};

}  // namespace orrery::statistics
