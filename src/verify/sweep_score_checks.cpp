#include "sweep_score_checks.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::verify {
namespace {

/// SweepScores of one prompt in some pooled components, (…, P, j) as they are stored.
class SweepScores {
 public:
  SweepScores(const SweepChecker& checker, const std::string& path, std::int64_t prompt)
      : points_(checker.extent().points()),
        components_(checker.extent().components),
        values_(checker.reals_at(path, prompt)) {}

  double at(std::int64_t stream, std::int64_t point, std::int64_t component) const {
    return values_[static_cast<std::size_t>((stream * points_ + point) * components_ + component)];
  }

 private:
  std::int64_t points_, components_;
  std::vector<double> values_;
};

/// The coordinates of a grid point: (G, 2), or those of each start layer, (M, G, 2).
double grid_at(const SweepChecker& checker, const std::vector<double>& grid, std::int64_t m, std::int64_t g,
               std::int64_t axis) {
  const std::int64_t line = checker.extent().grid_by_layer ? m * checker.extent().grid_points() + g : g;
  return grid[static_cast<std::size_t>(2 * line + axis)];
}

/// A component beyond the trace's rank is NaN everywhere, another one nowhere but before the start.
void check_rank(SweepChecker& checker) {
  if (!checker.has({"/baseline/score"})) return;
  const archive::SweepExtent& extent = checker.extent();
  const std::vector<double> first = checker.reals_at("/baseline/score", 0);
  Identity identity("scores within the rank");
  const auto hold = [&](const std::string& path, const auto& is_before) {
    const std::vector<std::int64_t> shape = checker.file().info(path).shape;
    checker.for_lines(path, extent.components, [&](std::int64_t begin, const std::vector<double>& values) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::int64_t entry = begin + static_cast<std::int64_t>(i);
        const double known = first[static_cast<std::size_t>(entry % extent.components)];
        const bool right =
            std::isnan(values[i]) == (is_before(entry / extent.components) || std::isnan(known));
        identity.require(right, values[i], known, path, " ", Place{shape, entry});
      }
    });
  };
  hold("/baseline/score", [](std::int64_t) { return false; });
  if (checker.has({"/teleport/score"})) {
    hold("/teleport/score", [&](std::int64_t line) {
      const std::int64_t stream = line / extent.points();
      return line % extent.points() < checker.start(stream / extent.grid_points() % checker.start_layers());
    });
  }
  identity.tell(checker);
}

/// What scores at the start may be off by. A stream x' has at most the length |x| + d, and its rounding to
/// the residual dtype moves no score by more than that share of it; components that the trace has as float32
/// are orthonormal to two roundings of an entry, for the `moved` they are taken times; and the score is
/// rounded.
double start_bound(const SweepChecker& checker, double length, double moved, double score) {
  return 1.01 * (checker.residual_rounding() * length + 4 * rounding_of_float * moved +
                 2 * rounding_of_float * std::abs(score));
}

/// A teleport begins at its grid point, whether the rest of the stream goes ("plane") or stays ("shift").
void check_grid(SweepChecker& checker) {
  if (!checker.has(
          {"/teleport/grid", "/teleport/score", "/teleport/distance", "/baseline/score", "/baseline/norm"}))
    return;
  const archive::SweepExtent& extent = checker.extent();
  const std::vector<double> grid = checker.reals("/teleport/grid");
  Identity plane("teleports begin on the grid"), rest("the rest of teleports at the start");
  for (std::int64_t q = 0; q < checker.prompts(); ++q) {
    const SweepScores found(checker, "/teleport/score", q), own(checker, "/baseline/score", q);
    const std::vector<double> distance = checker.reals_at("/teleport/distance", q);
    const std::vector<double> norm = checker.reals_at("/baseline/norm", q);
    for (std::int64_t m = 0; m < checker.start_layers(); ++m) {
      const std::int64_t s = checker.start(m);
      for (std::int64_t g = 0; g < extent.grid_points(); ++g) {
        const std::int64_t stream = m * extent.grid_points() + g;
        const double length = norm[static_cast<std::size_t>(s)] +
                              distance[static_cast<std::size_t>(stream * extent.points() + s)];
        double moved = 0;
        for (std::int64_t axis = 0; axis < 2; ++axis) {
          moved += std::abs(grid_at(checker, grid, m, g, axis));
          if (extent.shift && axis < extent.components) moved += std::abs(own.at(0, s, axis));
        }
        for (std::int64_t c = 0; c < extent.components; ++c) {
          // Beyond the rank it is NaN all the same.
          const double stays = extent.shift ? own.at(0, s, c) : 0 * own.at(0, s, c);
          const double expected = c < 2 ? grid_at(checker, grid, m, g, c) : stays;
          (c < 2 ? plane : rest)
              .hold(found.at(stream, s, c), expected, start_bound(checker, length, moved, expected),
                    "prompt ", q, ", start layer ", m, ", grid point ", g, ", component ", c);
        }
      }
    }
  }
  plane.tell(checker);
  rest.tell(checker);
}

/// A number whose sign is asked for, and what it may be off by.
struct Inward {
  double product = 0;
  double error = 0;
};

/// ⟨(z′[s+1] − z′[s]) − (z[s+1] − z[s]), z[s] − z′[s]⟩, every score off by a rounding to float32.
Inward inward(const SweepScores& found, std::int64_t stream, const SweepScores& own, std::int64_t m,
              std::int64_t s) {
  Inward sum;
  for (std::int64_t c = 0; c < 2; ++c) {
    const double z[4] = {found.at(stream, s + 1, c), found.at(stream, s, c), own.at(m, s + 1, c),
                         own.at(m, s, c)};
    const double flow = (z[0] - z[1]) - (z[2] - z[3]), back = z[3] - z[1];
    const double flow_error =
        1.01 * rounding_of_float * (std::abs(z[0]) + std::abs(z[1]) + std::abs(z[2]) + std::abs(z[3]));
    const double back_error = 1.01 * rounding_of_float * (std::abs(z[3]) + std::abs(z[1]));
    sum.product += flow * back;
    sum.error += std::abs(flow) * back_error + std::abs(back) * flow_error + flow_error * back_error;
  }
  return sum;
}

/// The share of teleports that turn inward, up to those whose stored scores don't tell.
void check_inward(SweepChecker& checker) {
  const archive::SweepExtent& extent = checker.extent();
  if (extent.components < 2 ||
      !checker.has({"/teleport/score", "/baseline/score_beside", "/recovery/inward_fraction"}))
    return;
  Identity identity("inward shares of teleports");
  const auto all = static_cast<double>(extent.grid_points());
  for (std::int64_t q = 0; q < checker.prompts(); ++q) {
    const SweepScores found(checker, "/teleport/score", q), own(checker, "/baseline/score_beside", q);
    // Teleports are the first case.
    const std::vector<double> share = checker.reals_at("/recovery/inward_fraction", q);
    for (std::int64_t m = 0; m < checker.start_layers(); ++m) {
      for (std::int64_t s = checker.start(m); s + 1 < extent.points(); ++s) {
        double sure = 0, open = 0;
        for (std::int64_t g = 0; g < extent.grid_points(); ++g) {
          const Inward one = inward(found, m * extent.grid_points() + g, own, m, s);
          sure += one.product > one.error ? 1 : 0;
          open += std::abs(one.product) <= one.error ? 1 : 0;
        }
        identity.hold(share[static_cast<std::size_t>(m * (extent.points() - 1) + s)], (sure + open / 2) / all,
                      open / 2 / all + 4 * epsilon, "prompt ", q, ", start layer ", m, ", step ", s);
      }
    }
  }
  identity.tell(checker);
}

}  // namespace

void check_scores(SweepChecker& checker) {
  check_rank(checker);
  check_grid(checker);
  check_inward(checker);
}

}  // namespace orrery::verify
