#include "sweep_checks.hpp"

#include "orrery/core/concat.hpp"
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

using archive::Beginning;
using archive::Dataset;
using core::concat;

/// A next token is one that the model knows.
void check_next_tokens(SweepChecker& checker) {
  const auto words = checker.file().attribute("/", "vocab_size");
  if (!words || !std::holds_alternative<std::int64_t>(*words)) return;
  checker.is_within("/baseline/next_token", {0, static_cast<double>(std::get<std::int64_t>(*words)) - 1});
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
      for (std::int64_t& start : paths.starts) start = checker.start_of(start);
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
    if (dataset.beginning == Beginning::none || !paths || !checker.has({dataset.path})) continue;
    ++tried;
    const bool only = dataset.beginning == Beginning::at_start;
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
  checker.check_ranges();
  check_next_tokens(checker);
  check_beginnings(checker);
  check_scores(checker);
  check_displacements(checker);
  check_recovery(checker);
  check_summary(checker);
  check_ablation(checker);
  check_states(checker);
}

}  // namespace orrery::verify
