#include "sweep_ablation_checks.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::verify {
namespace {

/// What is stored as a mean over prompts is the mean of what is stored by prompt.
void check_means(SweepChecker& checker) {
  Identity identity("ablation means");
  for (const std::string name : {"kl", "norm", "velocity", "cosine"}) {
    const std::string path = "/ablation/" + name;
    if (!checker.has({path, path + "_mean"})) continue;
    const std::vector<double> mean = checker.reals(path + "_mean");
    std::vector<core::Mean> expected(mean.size());
    // A prompt at a time: entry i of the slab belongs to place i % size.
    checker.for_slabs(path, [&](std::int64_t, const std::vector<double>& values) {
      for (std::size_t i = 0; i < values.size(); ++i) expected[i % mean.size()].add(values[i]);
    });
    const std::vector<std::int64_t> shape = checker.file().info(path + "_mean").shape;
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const double bound = rounding_of(expected[i], name == "kl" ? 0 : rounding_of_float);
      identity.hold(mean[i], expected[i].value(), bound, name, " ",
                    Place{shape, static_cast<std::int64_t>(i)});
    }
  }
  identity.tell(checker);
}

/// No stream changes its length by more than the distance that it is moved by.
void check_lengths(SweepChecker& checker) {
  if (!checker.has({"/ablation/norm", "/ablation/distance", "/baseline/norm"})) return;
  const std::vector<std::int64_t> shape = checker.file().info("/ablation/norm").shape;
  Identity identity("ablation lengths");
  for (std::int64_t q = 0; q < checker.prompts(); ++q) {
    const std::vector<double> change = checker.reals_at("/ablation/norm", q);
    const std::vector<double> distance = checker.reals_at("/ablation/distance", q);
    const std::vector<double> norm = checker.reals_at("/baseline/norm", q);
    for (std::size_t i = 0; i < change.size(); ++i) {
      if (std::isnan(change[i]) && std::isnan(distance[i])) continue;
      // Both numbers are rounded to float32; their difference of lengths of up to |x| + d may be too.
      const double slack = 2 * epsilon_of_float * (norm[i % norm.size()] + distance[i]);
      const auto entry = q * static_cast<std::int64_t>(change.size()) + static_cast<std::int64_t>(i);
      identity.require(std::abs(change[i]) <= distance[i] + slack, change[i], distance[i],
                       Place{shape, entry});
    }
  }
  identity.tell(checker);
}

}  // namespace

void check_ablation(SweepChecker& checker) {
  check_means(checker);
  check_lengths(checker);
}

}  // namespace orrery::verify
