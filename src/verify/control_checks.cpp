#include "control_checks.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/not_a_number.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace orrery::verify {
namespace {

using archive::AttributeValue;
using core::concat;

/// Layers in another order, the points of each together, the last in its place; correlations are the same
/// numbers in that order.
void check_layer_permuted(TraceChecker& checker) {
  if (!checker.has({"/control/layer_permuted/point"})) return;
  const std::vector<std::int64_t> shown = checker.file().read_integers("/control/layer_permuted/point");
  const auto points = static_cast<std::int64_t>(shown.size());
  std::vector<std::int64_t> sorted = shown;
  std::ranges::sort(sorted);
  bool right = shown.back() == points - 1;
  for (std::int64_t s = 0; s < points; ++s) right = right && sorted[static_cast<std::size_t>(s)] == s;
  // A layer's first point begins a run of them, each other one follows the one before it.
  const core::PointMap& map = checker.extent().point_map;
  for (std::size_t s = 0; right && s < shown.size(); ++s) {
    const core::Point first = map.first_of(map.layer_of(core::Point(shown[s])));
    const bool begins = first.value() == shown[s];
    right =
        begins ? s == 0 || shown[s - 1] == points - 1 ||
                     map.first_of(core::Layer(map.layer_of(core::Point(shown[s - 1])).value() + 1)).value() ==
                         shown[s - 1] + 1
               : s > 0 && shown[s - 1] + 1 == shown[s];
  }
  checker.tell(right, "layers permuted", right ? concat(points, " points") : "not an order of layers");
  if (!right || !checker.has({"/control/layer_permuted/correlation", "/continuity/correlation"})) return;
  const std::vector<double> found = checker.reals("/control/layer_permuted/correlation");
  const std::vector<double> r = checker.reals("/continuity/correlation");
  Identity identity("correlation of permuted layers");
  for (std::int64_t s = 0; s < points; ++s) {
    for (std::int64_t t = 0; t < points; ++t) {
      const std::int64_t from =
          shown[static_cast<std::size_t>(s)] * points + shown[static_cast<std::size_t>(t)];
      identity.hold(found[static_cast<std::size_t>(s * points + t)], r[static_cast<std::size_t>(from)],
                    64 * epsilon, "(", s, ", ", t, ")");
    }
  }
  identity.tell(checker);
}

/// A rotation keeps lengths and angles; the rows in the new basis may be float32.
void check_random_basis(TraceChecker& checker) {
  Identity identity("lengths in a random basis");
  for (const std::string name : {"velocity_mean", "cosine_mean"}) {
    const std::vector<double> found = checker.reals("/control/random_basis/" + name);
    const std::vector<double> expected = checker.reals("/continuity/" + name);
    const std::vector<double> norm = checker.reals("/density/norm_mean");
    if (norm.empty()) continue;
    for (std::size_t s = 0; s < std::min(found.size(), expected.size()); ++s) {
      // A row of float32 is off by half its spacing for its norm, and so the step between two.
      const double size = name == "cosine_mean" ? 1.0 : norm[s] + norm[s + 1];
      identity.hold(found[s], expected[s], 4 * epsilon_of_float * size, name, ", step ", s);
    }
  }
  identity.tell(checker);
}

/// The mean over the steps that stay in a layer, or over those between layers; without the last step.
double mean_of_steps(const core::PointMap& points, const std::vector<double>& line, bool within) {
  double sum = 0;
  std::int64_t count = 0;
  for (std::int64_t step = 0; step + 2 < points.size(); ++step) {
    if (points.stays_in_layer(core::Point(step)) != within) continue;
    sum += line[static_cast<std::size_t>(step)];
    ++count;
  }
  return count > 0 ? sum / static_cast<double>(count) : std::nan("");
}

}  // namespace

void check_controls(TraceChecker& checker) {
  check_layer_permuted(checker);
  check_random_basis(checker);
}

void check_headline(TraceChecker& checker) {
  if (std::ranges::find(checker.file().groups(), "/headline") == checker.file().groups().end()) {
    checker.tell(false, "headline", "the group is missing");
    return;
  }
  const std::int64_t points = checker.extent().points();
  const std::int64_t last = points - 3;  // step S − 2
  Identity identity("headline");
  const auto hold = [&](const std::string& name, double expected) {
    const std::optional<AttributeValue> value = checker.file().attribute("/headline", name);
    double found = core::infinity;
    if (value && std::holds_alternative<double>(*value)) found = std::get<double>(*value);
    if (value && std::holds_alternative<std::int64_t>(*value))
      found = static_cast<double>(std::get<std::int64_t>(*value));
    identity.hold(found, expected, 1e-12 * std::max(1.0, std::abs(expected)), name);
  };
  const auto at = [](const std::vector<double>& line, std::int64_t place) {
    return line[static_cast<std::size_t>(place)];
  };
  const auto hold_steps = [&](const std::string& name, const std::vector<double>& line) {
    if (line.empty()) return;
    hold(name + "_within", mean_of_steps(checker.extent().point_map, line, true));
    hold(name + "_across", mean_of_steps(checker.extent().point_map, line, false));
  };
  const auto hold_ends = [&](const std::string& name, const std::string& path) {
    const std::vector<double> line = checker.reals(path);
    if (line.empty()) return;
    hold(name + "_first", line[0]);
    hold(name + "_last", last < 0 ? std::nan("") : at(line, last));
  };
  const auto hold_points = [&](const std::string& name, const std::vector<double>& line) {
    if (line.empty()) return;
    hold(name + "_early", at(line, 1));
    hold(name + "_late", at(line, points - 2));
  };
  const std::vector<double> r = checker.reals("/continuity/correlation");
  std::vector<double> adjacent;
  for (std::int64_t s = 0; s + 1 < points && !r.empty(); ++s) adjacent.push_back(at(r, s * points + s + 1));
  hold_steps("adjacent_correlation", adjacent);
  hold_steps("residual_null", checker.reals("/continuity/residual_null"));
  for (const std::string name : {"cosine", "velocity", "relative_velocity"}) {
    hold_ends(name, "/continuity/" + name + "_mean");
  }
  const std::vector<double> needed = checker.reals("/pca/components_for");
  std::vector<double> for_ninety;
  for (std::size_t place = 2; place < needed.size(); place += 5) {
    for_ninety.push_back(checker.extent().rows > 1 ? needed[place] : std::nan(""));
  }
  hold_points("components_90", for_ninety);
  for (const std::string name : {"participation_ratio", "participation_ratio_corrected"}) {
    hold_points(name, checker.reals("/pca/" + name));
  }
  identity.tell(checker);
}

}  // namespace orrery::verify
