#pragma once

#include "orrery/core/range.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace orrery::statistics {

// What is measured on a row by itself (science.md, sections 1 and 3). A statistic of rows is one class: what
// it computes, and all that a file, `orrery verify` and a table say of it. Kept rows and streamed ones have
// it alike.

/// A row's stream x[s] at a capture point.
struct RowPoint {
  std::span<const double> x;  ///< (D)
  double norm = 0;            ///< ‖x‖₂
  double absolute = 0;        ///< ‖x‖₁
};

/// The step from x[s] to x[s+1].
struct RowStep {
  RowPoint before, after;
  std::span<const double> change;  ///< (D) x[s+1] − x[s]
  double length = 0;               ///< ‖change‖₂
};

/// Two successive steps: x[s+1] − x[s], and x[s+2] − x[s+1].
struct RowBend {
  std::span<const double> first, second;  ///< (D)
  double first_length = 0, second_length = 0;
};

/// The whole way from x[0] to x[P−1].
struct RowPath {
  double arc = 0;   ///< the sum of the steps' lengths
  double ends = 0;  ///< ‖x[P−1] − x[0]‖₂
};

/// What a row has one number for each of.
enum class Along { points, steps, bends, path };

/// What the headline says of a statistic's means at the first step and at the last but one; both empty where
/// it isn't in the headline.
struct RowHeadline {
  std::string first, last;
  std::string unit = "1";
};

/// What a statistic of rows is called, and what its numbers are.
struct RowDescription {
  std::string path;  ///< of its datasets, "/density/norm": the mean and the spread over rows, or, of a whole
                     ///< path, each row's number
  Along along = Along::points;
  std::string what;       ///< for long_name: "the Euclidean norm of x[n,s]"
  std::string undefined;  ///< which rows have no number: "x[n,s] is 0"; "" where each has one
  std::string units = "1";
  core::Range range;                                            ///< of a row's number
  std::vector<std::pair<std::string, double>> attributes = {};  ///< choices that it rests on
  RowHeadline headline = {};
};

/// A statistic of rows. It has a number for one of the places below, and NaN where a row has none.
class RowStatistic {
 public:
  virtual ~RowStatistic() = default;
  /// In a model of so many `units`.
  virtual RowDescription describe(std::int64_t units) const = 0;
  virtual double at_point(const RowPoint&) const { return core::not_a_number; }
  virtual double at_step(const RowStep&) const { return core::not_a_number; }
  virtual double at_bend(const RowBend&) const { return core::not_a_number; }
  virtual double of_path(const RowPath&) const { return core::not_a_number; }
};

/// Those that other statistics rest on, by their paths.
inline constexpr const char* row_cosine = "/continuity/cosine";
inline constexpr const char* row_velocity = "/continuity/velocity";
inline constexpr const char* row_relative_velocity = "/continuity/relative_velocity";
inline constexpr const char* row_straightness = "/geometry/straightness";

/// All that are known, in the order of a row's numbers.
const std::vector<const RowStatistic*>& row_statistics();

}  // namespace orrery::statistics
