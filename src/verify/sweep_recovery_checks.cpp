#include "sweep_recovery_checks.hpp"

#include "orrery/core/not_a_number.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <span>

namespace orrery::verify {
namespace {

/// The perturbations of one case, prompt and start layer: what the file has of each, (count, P) and (count).
struct Streams {
  std::span<const double> distance, cosine, kl, top1, half_life;
  std::int64_t count, points, start;

  double distance_at(std::int64_t i, std::int64_t s) const {
    return distance[static_cast<std::size_t>(i * points + s)];
  }
  double cosine_at(std::int64_t i, std::int64_t s) const {
    return cosine[static_cast<std::size_t>(i * points + s)];
  }
};

/// Points from the first on until distances, log-linear between points, first are at `level` or below.
double first_at(std::span<const double> distances, double level) {
  for (std::size_t s = 1; s < distances.size(); ++s) {
    if (distances[s] > level) continue;
    const double before = std::log(distances[s - 1]);
    return static_cast<double>(s - 1) + (before - std::log(level)) / (before - std::log(distances[s]));
  }
  return core::infinity;
}

/// Where the stored distances are rounded to float32, the unrounded ones, as a line over points and as the
/// level of their half, are off by one such rounding each: so the crossing lies between those of the levels
/// two roundings above and below.
void hold_half_life(Identity& identity, double found, std::span<const double> distances,
                    const std::string& place) {
  if (distances[0] == 0) {
    identity.require(std::isnan(found), found, std::nan(""), place);
    return;
  }
  const double shift = 2.01 * rounding_of_float, half = distances[0] / 2;
  const double earliest = first_at(distances, half * (1 + shift));
  const double latest = first_at(distances, half * (1 - shift));
  const double slack = 4 * epsilon * static_cast<double>(distances.size());
  identity.require(found >= earliest - slack && found <= latest + slack, found, first_at(distances, half),
                   place);
}

/// What /recovery has, against what the streams of each case do.
class Recovery {
 public:
  explicit Recovery(SweepChecker& checker) : checker_(checker), cases_(checker.extent().cases()) {
    for (const char* name : {"ratio", "relative_distance", "spread_distance", "cosine", "exponent", "halved",
                             "half_life_median", "kl", "top1"}) {
      if (checker.has({std::string("/recovery/") + name})) names_.emplace_back(name);
    }
    spread_ = checker.reals("/points/spread");
  }

  void check_prompt(std::int64_t q) {
    prompt_ = q;
    norm_ = checker_.reals_at("/baseline/norm", q);
    for (const std::string& name : names_) recovery_[name] = checker_.reals_at("/recovery/" + name, q);
    case_ = 0;
    for (const PerturbedKind& kind : checker_.kinds()) check_kind(kind);
  }

  void tell() {
    for (Identity* identity : {&half_lives_, &first_, &paths_, &shares_, &medians_, &outputs_})
      identity->tell(checker_);
  }

 private:
  void check_kind(const PerturbedKind& kind) {
    const std::int64_t cases = kind.streams / kind.each_case, points = checker_.extent().points();
    const std::string& group = kind.group;
    const bool there = checker_.has(
        {group + "/distance", group + "/cosine", group + "/kl", group + "/top1", kind.half_life});
    if (there) {
      const auto distance = checker_.reals_at(group + "/distance", prompt_);
      const auto cosine = checker_.reals_at(group + "/cosine", prompt_);
      const auto kl = checker_.reals_at(group + "/kl", prompt_);
      const auto top1 = checker_.reals_at(group + "/top1", prompt_);
      const auto half_life = checker_.reals_at(kind.half_life, prompt_);
      for (std::int64_t m = 0; m < checker_.start_layers(); ++m) {
        for (std::int64_t one = 0; one < cases; ++one) {
          const std::int64_t from = m * kind.streams + one * kind.each_case;
          const auto part = [&](const std::vector<double>& values, std::int64_t width) {
            return std::span(values).subspan(static_cast<std::size_t>(from * width),
                                             static_cast<std::size_t>(kind.each_case * width));
          };
          check_case({part(distance, points), part(cosine, points), part(kl, 1), part(top1, 1),
                      part(half_life, 1), kind.each_case, points, checker_.start(m)},
                     case_ + one, m);
        }
      }
    }
    case_ += cases;
  }

  void check_case(const Streams& streams, std::int64_t number, std::int64_t m) {
    const std::string place =
        core::concat("prompt ", prompt_, ", ", cases_[static_cast<std::size_t>(number)], ", start layer ", m);
    const std::int64_t at = number * checker_.start_layers() + m;
    check_paths(streams, at, place);
    check_steps(streams, at, place);
    check_half_lives(streams, at, place);
    check_outputs(streams, at, place);
  }

  /// The number of /recovery/NAME at entry `at` of the prompt, if it can be relied on.
  std::optional<double> stored(const char* name, std::int64_t at) const {
    const auto found = recovery_.find(name);
    if (found == recovery_.end()) return std::nullopt;
    const double value = found->second[static_cast<std::size_t>(at)];
    const std::int64_t entry = prompt_ * std::ssize(found->second) + at;
    if (std::isinf(value) && checker_.is_undefined(std::string("/recovery/") + name, entry))
      return std::nan("");
    return value;
  }

  /// The mean over streams of `number` is the one stored, where each number is off by `share` of itself or by
  /// `error`.
  template <class... Parts>
  void hold_mean(Identity& identity, std::optional<double> found, const Streams& streams,
                 const std::function<double(std::int64_t)>& number, double share, double error,
                 const Parts&... place) {
    if (!found) return;
    numbers_.clear();
    for (std::int64_t i = 0; i < streams.count; ++i) numbers_.push_back(number(i));
    const core::Mean mean(numbers_);
    identity.hold(*found, mean.value(), rounding_of(mean, share) + error, place...);
  }

  void check_paths(const Streams& streams, std::int64_t at, const std::string& place) {
    const auto distance_over = [&](std::int64_t s, double size) {
      return [&streams, s, size](std::int64_t i) {
        return size > 0 ? streams.distance_at(i, s) / size : std::nan("");
      };
    };
    for (std::int64_t s = streams.start; s < streams.points; ++s) {
      const std::int64_t entry = at * streams.points + s;
      const auto of_start = [&](std::int64_t i) {
        const double start = streams.distance_at(i, streams.start);
        return start > 0 ? streams.distance_at(i, s) / start : std::nan("");
      };
      // At the start each is 1, whatever the distance.
      const bool starts = s == streams.start;
      hold_mean(starts ? first_ : paths_, stored("ratio", entry), streams, of_start,
                starts ? 0 : 2.01 * rounding_of_float, 0, "ratio, ", place, ", point ", s);
      if (!norm_.empty()) {
        hold_mean(paths_, stored("relative_distance", entry), streams,
                  distance_over(s, norm_[static_cast<std::size_t>(s)]), 2.01 * rounding_of_float, 0,
                  "relative distance, ", place, ", point ", s);
      }
      if (!spread_.empty()) {
        hold_mean(paths_, stored("spread_distance", entry), streams,
                  distance_over(s, spread_[static_cast<std::size_t>(s)]), 1.01 * rounding_of_float, 0,
                  "spread distance, ", place, ", point ", s);
      }
      hold_mean(
          paths_, stored("cosine", entry), streams, [&](std::int64_t i) { return streams.cosine_at(i, s); },
          1.01 * rounding_of_float, 0, "cosine, ", place, ", point ", s);
    }
  }

  void check_steps(const Streams& streams, std::int64_t at, const std::string& place) {
    for (std::int64_t s = streams.start; s + 1 < streams.points; ++s) {
      const auto exponent = [&](std::int64_t i) {
        const double now = streams.distance_at(i, s), next = streams.distance_at(i, s + 1);
        return now > 0 && next > 0 ? std::log(next / now) : std::nan("");
      };
      // A logarithm is off by as much as the number is off by as a share.
      hold_mean(paths_, stored("exponent", at * (streams.points - 1) + s), streams, exponent, 0,
                2.01 * rounding_of_float, "exponent, ", place, ", step ", s);
    }
  }

  void check_half_lives(const Streams& streams, std::int64_t at, const std::string& place) {
    for (std::int64_t i = 0; i < streams.count; ++i) {
      const auto length = static_cast<std::size_t>(streams.points - streams.start);
      const auto from = static_cast<std::size_t>(i * streams.points + streams.start);
      hold_half_life(half_lives_, streams.half_life[static_cast<std::size_t>(i)],
                     streams.distance.subspan(from, length), core::concat(place, ", perturbation ", i));
    }
    hold_mean(
        shares_, stored("halved", at), streams,
        [&](std::int64_t i) {
          const double points = streams.half_life[static_cast<std::size_t>(i)];
          return std::isnan(points) ? points : static_cast<double>(std::isfinite(points));
        },
        0, 0, place);
    if (const std::optional<double> found = stored("half_life_median", at)) {
      const double expected = lower_median({streams.half_life.begin(), streams.half_life.end()});
      medians_.require(*found == expected || (std::isnan(*found) && std::isnan(expected)), *found, expected,
                       place);
    }
  }

  void check_outputs(const Streams& streams, std::int64_t at, const std::string& place) {
    const auto of = [](std::span<const double> values) {
      return [values](std::int64_t i) { return values[static_cast<std::size_t>(i)]; };
    };
    hold_mean(outputs_, stored("kl", at), streams, of(streams.kl), 0, 0, "kl, ", place);
    hold_mean(outputs_, stored("top1", at), streams, of(streams.top1), 0, 0, "top1, ", place);
  }

  SweepChecker& checker_;
  std::vector<std::string> cases_, names_;
  std::vector<double> spread_, norm_, numbers_;
  std::map<std::string, std::vector<double>, std::less<>> recovery_;  // of the prompt
  std::int64_t prompt_ = 0, case_ = 0;
  Identity half_lives_{"half-lives"}, first_{"recovery 1 at the start"}, paths_{"recovery of paths"},
      shares_{"shares halved"}, medians_{"median half-lives"}, outputs_{"recovery of outputs"};
};

}  // namespace

void check_recovery(SweepChecker& checker) {
  Recovery recovery(checker);
  for (std::int64_t q = 0; q < checker.prompts(); ++q) recovery.check_prompt(q);
  recovery.tell();
}

}  // namespace orrery::verify
