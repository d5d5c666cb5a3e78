#include "sweep_state_checks.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::verify {
namespace {

/// Tries the streams of one kind that are stored against their distances, line by line.
class States {
 public:
  explicit States(SweepChecker& checker)
      : checker_(checker),
        extent_(checker.extent()),
        baseline_(checker.reals("/states/baseline")),
        beside_(checker.reals("/states/unperturbed")) {}

  void hold_lengths() {
    Identity identity("lengths of stored streams");
    for (std::int64_t n = 0; n < std::ssize(extent_.state_prompts); ++n) {
      const std::vector<double> norm = checker_.reals_at("/baseline/norm", prompt(n));
      for (std::int64_t at = 0; at < std::ssize(extent_.state_points); ++at) {
        double square = 0;
        for (std::int64_t d = 0; d < extent_.units; ++d) square += std::pow(value(baseline_, n, at, d), 2);
        const double length = std::sqrt(square);
        identity.hold(norm[static_cast<std::size_t>(extent_.state_points[static_cast<std::size_t>(at)])],
                      length, bound() * length, "state prompt ", n, ", state point ", at);
      }
    }
    identity.tell(checker_);
  }

  void hold_distances(Identity& identity, const PerturbedKind& kind, const std::string& path) {
    const auto points = std::ssize(extent_.state_points);
    const std::int64_t streams = checker_.start_layers() * kind.streams;
    std::vector<double> distance;
    std::int64_t of = -1;
    checker_.for_lines(path, extent_.units, [&](std::int64_t first, const std::vector<double>& values) {
      for (std::size_t begin = 0; begin < values.size(); begin += static_cast<std::size_t>(extent_.units)) {
        const std::int64_t line = (first + static_cast<std::int64_t>(begin)) / extent_.units;
        const std::int64_t at = line % points, stream = line / points % streams, n = line / points / streams;
        const std::int64_t start = n * checker_.start_layers() + stream / kind.streams;
        if (n != of) distance = checker_.reals_at(kind.group + "/distance", prompt(n));
        of = n;
        double square = 0;
        for (std::int64_t d = 0; d < extent_.units; ++d)
          square += std::pow(values[begin + static_cast<std::size_t>(d)] - value(beside_, start, at, d), 2);
        const std::int64_t s = extent_.state_points[static_cast<std::size_t>(at)];
        const double expected = std::sqrt(square);
        identity.hold(distance[static_cast<std::size_t>(stream * extent_.points() + s)], expected,
                      bound() * expected, path, ", state prompt ", n, ", stream ", stream, ", state point ",
                      at);
      }
    });
  }

 private:
  /// Unit d of the `line`-th of (…, state points, D), at a stored point.
  double value(const std::vector<double>& states, std::int64_t line, std::int64_t at, std::int64_t d) const {
    return states[static_cast<std::size_t>((line * std::ssize(extent_.state_points) + at) * extent_.units +
                                           d)];
  }
  /// Where a stored prompt stands among all.
  std::int64_t prompt(std::int64_t n) const {
    return std::ranges::find(extent_.prompts, extent_.state_prompts[static_cast<std::size_t>(n)]) -
           extent_.prompts.begin();
  }
  /// Streams stand in the file as they are; a length is rounded to float32, after a sum over units.
  double bound() const { return 1.01 * rounding_of_float + static_cast<double>(extent_.units + 8) * epsilon; }

  SweepChecker& checker_;
  const archive::SweepExtent& extent_;
  std::vector<double> baseline_;
  std::vector<double> beside_;  // as it ran beside the perturbed ones
};

}  // namespace

void check_states(SweepChecker& checker) {
  if (!checker.has({"/states/baseline", "/baseline/norm"})) return;
  States states(checker);
  states.hold_lengths();
  Identity identity("distances of stored streams");
  for (const PerturbedKind& kind : checker.kinds()) {
    const std::string path = "/states" + kind.group.substr(kind.group.rfind('/'));
    if (checker.has({path, "/states/unperturbed", kind.group + "/distance"}))
      states.hold_distances(identity, kind, path);
  }
  identity.tell(checker);
}

}  // namespace orrery::verify
