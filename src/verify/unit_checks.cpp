#include "unit_checks.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/mean.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

namespace orrery::verify {
namespace {

using archive::AttributeValue;
using core::concat;

/// Lines are numbered from 0, lengths are those that the offsets give, tokens are in the vocabulary.
void check_tokens(TraceChecker& checker) {
  const archive::Reader& file = checker.file();
  const std::vector<double> offset = checker.reals("/samples/token_offset");
  const std::vector<double> length = checker.reals("/samples/length");
  Identity identity("token offsets");
  for (std::size_t n = 0; n < length.size(); ++n) {
    identity.require(length[n] >= 1, length[n], 1, "length ", n);
    identity.hold(offset[n + 1] - offset[n], length[n], 0, "sample ", n);
  }
  identity.hold(offset.front(), 0, 0, "the first sample");
  identity.hold(offset.back(), static_cast<double>(checker.extent().tokens), 0, "the end");
  const std::optional<AttributeValue> words = file.attribute("/", "vocab_size");
  const double most = words && std::holds_alternative<std::int64_t>(*words)
                          ? static_cast<double>(std::get<std::int64_t>(*words))
                          : core::infinity;
  checker.for_slabs("/samples/token", [&](std::int64_t first, const std::vector<double>& tokens) {
    const auto wrong = std::ranges::find_if(tokens, [&](double id) { return id < 0 || id >= most; });
    const bool right = wrong == tokens.end();
    identity.require(right, right ? 0 : *wrong, most, "token ", first + (wrong - tokens.begin()));
  });
  const std::vector<double> position = checker.reals("/samples/position");
  for (std::size_t n = 0; n < position.size(); ++n) {
    identity.require(position[n] >= 0 && position[n] < length[n], position[n], length[n], "position ", n);
  }
  identity.tell(checker);
}

void check_rows(TraceChecker& checker) {
  Identity identity("lines of the corpus");
  double before = -1;
  for (const char* path : {"/samples/row", "/samples/characters"}) {
    checker.for_slabs(path, [&](std::int64_t first, const std::vector<double>& values) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const bool right = std::string(path) == "/samples/row" ? values[i] > before : values[i] >= 1;
        identity.require(right, values[i], before, path, " ", first + static_cast<std::int64_t>(i));
        before = values[i];
      }
    });
  }
  identity.tell(checker);
}

/// The mean over stored rows is the stored mean.
void check_mean_of_rows(TraceChecker& checker) {
  if (!checker.has({"/residual/last_token", "/trajectory/mean"})) return;
  const archive::TraceExtent& extent = checker.extent();
  const std::vector<double> mean = checker.reals("/trajectory/mean");
  std::vector<double> sum(mean.size()), size(mean.size());
  checker.for_slabs("/residual/last_token", [&](std::int64_t, const std::vector<double>& rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      sum[i % mean.size()] += rows[i];
      size[i % mean.size()] += std::abs(rows[i]);
    }
  });
  Identity identity("mean of the rows");
  const auto rows = static_cast<double>(extent.rows);
  for (std::size_t i = 0; i < mean.size(); ++i) {
    // A sum of N numbers is off by at most N roundings of the sum of their sizes.
    identity.hold(mean[i], sum[i] / rows, (rows + 16) * epsilon * size[i] / rows,
                  place_text({extent.points(), extent.units}, static_cast<std::int64_t>(i)));
  }
  identity.tell(checker);
}

/// Symmetric, 1 on the diagonal, and the mean of what is stored unit by unit next to it.
void check_correlation(TraceChecker& checker) {
  if (!checker.has({"/continuity/correlation", "/continuity/correlation_units"})) return;
  const std::vector<double> r = checker.reals("/continuity/correlation");
  const std::vector<double> count = checker.reals("/continuity/correlation_units");
  const std::int64_t points = checker.extent().points();
  const auto at = [&](std::int64_t s, std::int64_t t) { return static_cast<std::size_t>(s * points + t); };
  Identity symmetric("correlation symmetric"), diagonal("correlation diagonal"), counted("correlation units");
  for (std::int64_t s = 0; s < points; ++s) {
    diagonal.hold(r[at(s, s)], count[at(s, s)] > 0 ? 1 : std::nan(""), 64 * epsilon, "point ", s);
    for (std::int64_t t = 0; t < points; ++t) {
      const std::string place = concat("(", s, ", ", t, ")");
      symmetric.hold(r[at(s, t)], r[at(t, s)], 64 * epsilon, place);
      counted.hold(count[at(s, t)], count[at(t, s)], 0, place);
      counted.require(std::isnan(r[at(s, t)]) == (count[at(s, t)] == 0), r[at(s, t)], count[at(s, t)], place);
    }
  }
  symmetric.tell(checker);
  diagonal.tell(checker);
  counted.tell(checker);
}

/// The mean over units of (P − 1, D) values of which some are NaN is the mean that is stored, and their
/// number.
void check_mean_over_units(TraceChecker& checker, const char* path, const std::string& subject,
                           const std::function<double(std::int64_t step)>& mean,
                           const std::function<double(std::int64_t step)>& count) {
  Identity identity(subject);
  const std::int64_t units = checker.extent().units;
  checker.for_slabs(path, [&](std::int64_t first, const std::vector<double>& values) {
    for (std::size_t begin = 0; begin < values.size(); begin += static_cast<std::size_t>(units)) {
      const std::int64_t step = (first + static_cast<std::int64_t>(begin)) / units;
      const core::Mean expected{std::span(values).subspan(begin, static_cast<std::size_t>(units))};
      identity.hold(mean(step), expected.value(), epsilon_of_float * expected.magnitude(), "step ", step);
      identity.hold(count(step), expected.count(), 0, "step ", step, ", units that vary");
    }
  });
  identity.tell(checker);
}

void check_acceleration(TraceChecker& checker) {
  const std::vector<double> velocity = checker.reals("/continuity/velocity_mean");
  const std::vector<double> acceleration = checker.reals("/continuity/acceleration");
  Identity identity("acceleration");
  for (std::size_t s = 0; s < acceleration.size() && s + 1 < velocity.size(); ++s) {
    identity.hold(acceleration[s], velocity[s + 1] - velocity[s],
                  2 * epsilon * std::max(velocity[s], velocity[s + 1]), "bend ", s);
  }
  identity.tell(checker);
}

}  // namespace

void check_samples(TraceChecker& checker) {
  if (checker.has({"/samples/token_offset", "/samples/length", "/samples/token"})) check_tokens(checker);
  if (checker.has({"/samples/row", "/samples/characters"})) check_rows(checker);
}

void check_units(TraceChecker& checker) {
  check_mean_of_rows(checker);
  check_correlation(checker);
  check_acceleration(checker);
  if (!checker.has({"/continuity/correlation", "/continuity/correlation_units"})) return;
  const std::vector<double> r = checker.reals("/continuity/correlation");
  const std::vector<double> count = checker.reals("/continuity/correlation_units");
  const auto next = [points = checker.extent().points()](std::int64_t step) {
    return static_cast<std::size_t>(step * points + step + 1);
  };
  const auto units = [&](std::int64_t step) { return count[next(step)]; };
  if (checker.has({"/continuity/unit_correlation"})) {
    check_mean_over_units(
        checker, "/continuity/unit_correlation", "mean of unit correlations",
        [&](std::int64_t step) { return r[next(step)]; }, units);
  }
  if (checker.has({"/continuity/mutual_information", "/continuity/mutual_information_mean"})) {
    const std::vector<double> mean = checker.reals("/continuity/mutual_information_mean");
    check_mean_over_units(
        checker, "/continuity/mutual_information", "mean of mutual information",
        [&](std::int64_t step) { return mean[static_cast<std::size_t>(step)]; }, units);
  }
}

void check_rotations(TraceChecker& checker) {
  const auto draws = static_cast<double>(checker.extent().permutations);
  Identity identity("p-values"), sizes("mean turns of the nulls");
  for (const std::string suffix : {"", "_layer", "_step", "_sign"}) {
    const std::vector<double> more = checker.reals("/rotation/p_more" + suffix);
    const std::vector<double> fewer = checker.reals("/rotation/p_fewer" + suffix);
    for (std::size_t d = 0; d < std::min(more.size(), fewer.size()); ++d) {
      const std::string place = concat("unit ", d, ", null", suffix);
      for (const double p : {more[d], fewer[d]}) {
        identity.hold(p * (draws + 1), std::round(p * (draws + 1)), 1e-6, place);
      }
      // Each draw counts in one tail at least, and the turns themselves in both.
      identity.require((more[d] + fewer[d]) * (draws + 1) >= draws + 2 - 1e-6, more[d], fewer[d], place);
    }
    const std::vector<double> mean = checker.reals("/rotation/null" + suffix + "_mean");
    const std::vector<double> size = checker.reals("/rotation/null" + suffix + "_abs_mean");
    for (std::size_t d = 0; d < std::min(mean.size(), size.size()); ++d) {
      sizes.require(std::abs(mean[d]) <= size[d] * (1 + 1e-9) + 1e-12, mean[d], size[d], "unit ", d, ", null",
                    suffix);
    }
  }
  identity.tell(checker);
  sizes.tell(checker);
}

}  // namespace orrery::verify
