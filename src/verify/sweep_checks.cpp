#include "sweep_checks.hpp"

#include "orrery/core/concat.hpp"
#include "range_checks.hpp"
#include "sweep_ablation_checks.hpp"
#include "sweep_recovery_checks.hpp"
#include "sweep_score_checks.hpp"
#include "sweep_state_checks.hpp"
#include "sweep_summary_checks.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>

namespace orrery::verify {
namespace {

using archive::Dataset;
using core::concat;

std::vector<Range> sweep_ranges(const SweepChecker& checker) {
  // Rounding may carry a divergence of equal outputs below 0, and a cosine of float32 streams beyond 1.
  constexpr double below_zero = 1e-9, beyond_one = 1e-5;
  const auto words = checker.file().attribute("/", "vocab_size");
  const bool known = words && std::holds_alternative<std::int64_t>(*words);
  const double last_token = known ? static_cast<double>(std::get<std::int64_t>(*words)) - 1 : unbounded;
  std::vector<Range> ranges = {
      {"/points/spread", 0, unbounded},
      {"/prompts/row", 0, unbounded},
      {"/prompts/length", 1, unbounded},
      {"/baseline/norm", 0, unbounded},
      {"/baseline/next_token", 0, last_token},
      {"/ablation/kl", 0, unbounded, below_zero},
      {"/ablation/kl_mean", 0, unbounded, below_zero},
      {"/ablation/top1", 0, 1},
      {"/ablation/distance", 0, unbounded},
      {"/ablation/cosine", -2, 2, beyond_one},
      {"/ablation/cosine_mean", -2, 2, beyond_one},
  };
  for (const PerturbedKind& kind : checker.kinds()) {
    ranges.push_back({kind.group + "/distance", 0, unbounded});
    ranges.push_back({kind.group + "/cosine", -1, 1, beyond_one});
    ranges.push_back({kind.group + "/kl", 0, unbounded, below_zero});
    ranges.push_back({kind.group + "/top1", 0, 1});
    ranges.push_back({kind.half_life, 0, unbounded});
  }
  for (const char* name : {"ratio", "relative_distance", "spread_distance", "half_life_median"}) {
    ranges.push_back({std::string("/recovery/") + name, 0, unbounded});
  }
  ranges.push_back({"/recovery/cosine", -1, 1, beyond_one});
  ranges.push_back({"/recovery/kl", 0, unbounded, below_zero});
  for (const char* name : {"inward_fraction", "halved", "top1"}) {
    ranges.push_back({std::string("/recovery/") + name, 0, 1});
  }
  return ranges;
}

/// Names no prompt twice, nor a start layer.
void check_distinct(SweepChecker& checker) {
  for (const auto& [subject, given] :
       {std::pair("prompts", checker.extent().prompts), {"start layers", checker.extent().start_layers}}) {
    std::vector<std::int64_t> sorted = given;
    std::ranges::sort(sorted);
    const auto twice = std::ranges::adjacent_find(sorted);
    const bool right = twice == sorted.end();
    checker.tell(right, subject,
                 right ? concat(given.size(), " different") : concat(*twice, " is there twice"));
  }
}

/// Which of a dataset's dimensions say where its streams begin, and at which points it has them.
struct Paths {
  std::vector<std::int64_t> starts;  ///< by entry of the dimension `start`
  std::vector<std::int64_t> points;  ///< by entry of the dimension `point`
  std::int64_t start_stride = 1, point_stride = 1;

  std::int64_t start_of(std::int64_t entry) const {
    return starts[static_cast<std::size_t>(entry / start_stride % std::ssize(starts))];
  }
  std::int64_t point_of(std::int64_t entry) const {
    return points[static_cast<std::size_t>(entry / point_stride % std::ssize(points))];
  }
};

std::optional<Paths> paths_of(const SweepChecker& checker, const Dataset& dataset) {
  const std::vector<std::int64_t> shape = archive::shape_of(checker.layout(), dataset);
  Paths paths;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::string& name = dataset.dimensions[i];
    const std::int64_t stride = std::accumulate(shape.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                                shape.end(), std::int64_t{1}, std::multiplies<>());
    if (name == "start_layer" || name == "ablated_layer") {
      paths.starts = name == "start_layer" ? checker.extent().start_layers : checker.extent().ablated_layers;
      for (std::int64_t& start : paths.starts) start *= 2;
      paths.start_stride = stride;
    }
    if (name == "point" || name == "step" || name == "state_point") {
      paths.points.resize(static_cast<std::size_t>(shape[i]));
      std::iota(paths.points.begin(), paths.points.end(), 0);
      if (name == "state_point") paths.points = checker.extent().state_points;
      paths.point_stride = stride;
    }
  }
  if (paths.starts.empty() || paths.points.empty()) return std::nullopt;
  return paths;
}

/// NaN before a stream begins, and from there on only where the dataset has another reason for it.
void check_beginnings(SweepChecker& checker) {
  std::int64_t tried = 0;
  bool right = true;
  for (const Dataset& dataset : checker.layout().datasets) {
    const std::optional<Paths> paths = paths_of(checker, dataset);
    if (!paths || !checker.has({dataset.path})) continue;
    ++tried;
    // Reasons are parted by semicolons; the beginning is the first.
    const bool only = dataset.nan_where.find(';') == std::string::npos;
    bool told = false;
    checker.for_lines(dataset.path, 1, [&](std::int64_t first, const std::vector<double>& values) {
      for (std::size_t i = 0; i < values.size() && !told; ++i) {
        const std::int64_t entry = first + static_cast<std::int64_t>(i);
        const bool before = paths->point_of(entry) < paths->start_of(entry);
        if (before ? std::isnan(values[i]) : !(only && std::isnan(values[i]))) continue;
        told = true;
        right = false;
        checker.tell(false, "NaN before the start",
                     concat(dataset.path, " is ", number_text(values[i]), " at ",
                            Place{checker.file().info(dataset.path).shape, entry}, "; it begins at point ",
                            paths->start_of(entry)));
      }
    });
  }
  if (right && tried > 0) checker.tell(true, "NaN before the start", concat(tried, " datasets"));
}

/// Noise is as long as its epsilon says, and a control as the displacement that it is the control of. The
/// streams of either are rounded to the residual dtype, distances and lengths to float32.
void check_displacements(SweepChecker& checker) {
  const archive::SweepExtent& extent = checker.extent();
  const auto directions = std::ssize(extent.directions);
  Identity noise("length of the noise"), control("length of the control");
  if (!checker.has({"/baseline/norm"})) return;
  for (std::int64_t q = 0; q < checker.prompts(); ++q) {
    const std::vector<double> norm = checker.reals_at("/baseline/norm", q);
    const auto hold = [&](Identity& identity, const std::vector<double>& found, std::int64_t streams,
                          double roundings, const auto& expected) {
      for (std::int64_t i = 0; i < checker.start_layers() * streams && !found.empty(); ++i) {
        const std::int64_t s = checker.start(i / streams);
        const auto at = static_cast<std::size_t>(i * extent.points() + s);
        const double size = norm[static_cast<std::size_t>(s)], distance = expected(i, at, size);
        const double bound = 1.01 * (roundings * checker.residual_rounding() * (size + distance) +
                                     3 * rounding_of_float * distance);
        identity.hold(found[at], distance, bound, "prompt ", q, ", start layer ", i / streams,
                      ", perturbation ", i % streams);
      }
    };
    hold(noise, checker.reals_at("/noise/distance", q), std::ssize(extent.epsilons) * directions, 1,
         [&](std::int64_t i, std::size_t, double size) {
           return size *
                  extent.epsilons[static_cast<std::size_t>(i / directions % std::ssize(extent.epsilons))];
         });
    const std::vector<double> teleport = checker.reals_at("/teleport/distance", q);
    if (teleport.empty()) continue;
    hold(control, checker.reals_at("/control/random_direction/distance", q), extent.grid_points(), 2,
         [&](std::int64_t, std::size_t at, double) { return teleport[at]; });
  }
  noise.tell(checker);
  control.tell(checker);
}

}  // namespace

void check_sweep(SweepChecker& checker) {
  check_distinct(checker);
  check_ranges(checker, sweep_ranges(checker));
  check_beginnings(checker);
  check_scores(checker);
  check_displacements(checker);
  check_recovery(checker);
  check_summary(checker);
  check_ablation(checker);
  check_states(checker);
}

}  // namespace orrery::verify
