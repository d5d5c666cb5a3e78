#include "range_checks.hpp"

#include "orrery/core/concat.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace orrery::verify {
namespace {

using core::concat;

void add_moments(std::vector<Range>& ranges, const std::string& path, double least, double greatest) {
  ranges.push_back({path + "_mean", least, greatest});
  ranges.push_back({path + "_std", 0, unbounded});
}

}  // namespace

std::vector<Range> trace_ranges(const archive::TraceExtent& extent) {
  const auto rows = static_cast<double>(extent.rows);
  const auto bins = static_cast<double>(extent.information_bins());
  const auto units = static_cast<double>(extent.units);
  const auto directions = static_cast<double>(extent.eigenvalues());
  const double pi = std::numbers::pi;
  // Each turning angle is at most half a turn.
  const double turns = static_cast<double>(extent.points() - 3) / 2;
  // Mutual information itself is from 0 to log B; the bias taken off is what the range is widened by.
  const double least_information = -(bins - 1) * (bins - 1) / (2 * rows);
  const double greatest_information = std::log(bins) + (bins - 1) / (2 * rows);
  std::vector<Range> ranges = {
      {"/trajectory/variance", 0, unbounded},
      {"/continuity/correlation", -1, 1},
      {"/continuity/correlation_units", 0, units},
      {"/continuity/unit_correlation", -1, 1, epsilon_of_float},
      {"/continuity/residual_null", 0, 1},
      {"/continuity/mutual_information", least_information, greatest_information, 1e-6},
      {"/continuity/mutual_information_mean", least_information, greatest_information, 1e-6},
      {"/rotation/turns", -turns, turns},
      {"/rotation/sample_turns_mean", -turns, turns},
      {"/rotation/sample_turns_std", 0, unbounded},
      {"/rotation/local_turns", -4, 4},
      {"/pca/total_variance", 0, unbounded},
      {"/pca/participation_ratio", 1, directions, 1e-9},
      {"/pca/participation_ratio_corrected", 0, unbounded},
      {"/pca/participation_ratio_standardised", 1, directions, 1e-6},
      {"/pca/effective_rank", 1, directions, 1e-9},
      {"/pca/top_unit_share", 0, 1},
      {"/pca/rank", 0, directions},
      {"/pca/eigenvalue", 0, unbounded},
      {"/pca/components_for", 0, directions},
      {"/pooled/eigenvalue", 0, unbounded},
      {"/geometry/straightness", 1, unbounded},
      {"/geometry/principal_angle", 0, pi / 2},
      {"/geometry/flow_explained", 0, 1, 1e-6},
      {"/geometry/flow_persistence", -unbounded, 1},
  };
  add_moments(ranges, "/continuity/cosine", -1, 1);
  add_moments(ranges, "/continuity/velocity", 0, unbounded);
  add_moments(ranges, "/continuity/relative_velocity", 0, unbounded);
  add_moments(ranges, "/density/norm", 0, unbounded);
  add_moments(ranges, "/density/abs", 0, unbounded);
  add_moments(ranges, "/density/active", 0, 1);
  add_moments(ranges, "/density/hoyer", 0, 1);
  add_moments(ranges, "/density/kurtosis", -2, units);
  add_moments(ranges, "/geometry/curvature", 0, pi);
  add_moments(ranges, "/geometry/plane_curvature", 0, pi);
  for (const char* suffix : {"", "_layer", "_step", "_sign"}) {
    const std::string null = std::string("/rotation/null") + suffix;
    ranges.push_back({null + "_mean", -turns, turns});
    ranges.push_back({null + "_std", 0, unbounded});
    ranges.push_back({null + "_abs_mean", 0, turns});
    const double least = 1 / static_cast<double>(extent.permutations + 1);
    ranges.push_back({std::string("/rotation/p_more") + suffix, least, 1});
    ranges.push_back({std::string("/rotation/p_fewer") + suffix, least, 1});
  }
  for (const char* name : {"sample_permuted", "layer_permuted", "random_basis"}) {
    const std::string group = std::string("/control/") + name;
    ranges.push_back({group + "/correlation", -1, 1});
    ranges.push_back({group + "/cosine_mean", -1, 1});
    ranges.push_back({group + "/velocity_mean", 0, unbounded});
    ranges.push_back(
        {group + (group.ends_with("sample_permuted") ? "/sample_turns_mean" : "/turns"), -turns, turns});
  }
  return ranges;
}

void check_ranges(FileChecker& checker, const std::vector<Range>& ranges) {
  std::int64_t tried = 0;
  bool right = true;
  for (const Range& range : ranges) {
    if (!checker.has({range.path})) continue;
    ++tried;
    const double least = range.least - range.slack * std::max(1.0, std::abs(range.least));
    const double greatest = range.greatest + range.slack * std::max(1.0, std::abs(range.greatest));
    bool told = false;
    checker.for_slabs(range.path, [&](std::int64_t first, const std::vector<double>& values) {
      const auto outside =
          std::ranges::find_if(values, [&](double value) { return value < least || value > greatest; });
      if (told || outside == values.end()) return;
      told = true;
      right = false;
      checker.tell(
          false, "ranges",
          concat(range.path, " is ", number_text(*outside), " at ",
                 place_text(checker.file().info(range.path).shape, first + (outside - values.begin())),
                 "; it goes from ", range.least, " to ", range.greatest));
    });
  }
  if (right && tried > 0) checker.tell(true, "ranges", concat(tried, " datasets"));
}

}  // namespace orrery::verify
