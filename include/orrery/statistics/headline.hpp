#pragma once

#include "orrery/core/point_map.hpp"
#include "orrery/statistics/stored_numbers.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::statistics {

/// The numbers that `trace` prints at its end, the attributes of `/headline` (science.md, end of section 3).
/// Each statistic adds its own (trace_statistic.hpp).
struct Headline {
  struct Entry {
    std::string name;       ///< of the attribute; its error is `name` + "_se"
    double value;           ///< NaN where it is not defined
    double standard_error;  ///< by a jackknife over blocks of samples (jackknife.hpp); NaN at N < 3, and in
                            ///< streaming
    std::string long_name;
    std::string unit;  ///< "1" for a plain number
  };
  std::vector<Entry> entries;  ///< on rank 0, empty elsewhere

  /// `left_out` are the values without each block of samples, for the standard error; empty where there is
  /// none.
  void add(const std::string& name, double value, const std::vector<double>& left_out,
           const std::string& long_name, const std::string& unit = "1");
};

/// The places that the headline looks at: within = steps that stay in a layer, across = steps between layers,
/// both up to point S − 1, first = step 0, last = step S − 2, early and late = points 1 and S − 1. A model of
/// one point a layer has no steps within.
struct HeadlinePlaces {
  explicit HeadlinePlaces(const core::PointMap& points);
  std::vector<std::int64_t> within;
  std::vector<std::int64_t> across;
  std::int64_t first = 0;
  std::int64_t last;
  std::int64_t early = 1;
  std::int64_t late;
};

/// The mean of `line` at `steps`; NaN where there are none, or one is.
double mean_at(const double* line, const std::vector<std::int64_t>& steps);
/// The number at a place; NaN where there is no such place.
double number_at(const std::vector<double>& line, std::int64_t place);

/// Holds the headline's numbers in a file against the datasets that they were taken from.
class HeadlineCheck {
 public:
  explicit HeadlineCheck(const StoredNumbers& stored) : stored_(stored) {}

  void hold(const std::string& name, double expected);
  /// NAME_within and NAME_across, of a number at each step; nothing where there are none.
  void hold_steps(const std::string& name, const std::vector<double>& line, const core::PointMap& points);
  /// NAME_first and NAME_last, in the same manner.
  void hold_ends(const std::string& name, const std::vector<double>& line, const core::PointMap& points);
  /// NAME_early and NAME_late, of a number at each point.
  void hold_points(const std::string& name, const std::vector<double>& line, const core::PointMap& points);
  /// Tells of all of them together.
  void tell(StoredNumbers& stored) const { identity_.tell(stored); }

 private:
  const StoredNumbers& stored_;
  Identity identity_{"headline"};
};

}  // namespace orrery::statistics
