#include "sweep_claims.hpp"

#include "orrery/core/concat.hpp"

#include <algorithm>

namespace orrery::report {
namespace {

/// The numbers of /summary of one case, a start layer each, with standard errors over prompts.
class Case {
 public:
  Case(const Run& sweep, const std::string& name) : sweep_(sweep) {
    if (!sweep.has("/case") || !sweep.has("/start_layer")) return;
    cases_ = sweep.file().read_texts("/case");
    layers_ = sweep.file().read_integers("/start_layer").size();
    place_ = static_cast<std::size_t>(std::ranges::find(cases_, name) - cases_.begin());
  }

  bool is_there() const { return place_ < cases_.size() && layers_ > 0; }
  std::size_t layers() const { return is_there() ? layers_ : 0; }

  Measured at(const std::string& quantity, std::size_t layer) const {
    return {number(quantity, layer), number(quantity + "_se", layer)};
  }
  /// The mean over the start layers that have it, and `beside`; its standard error is at most the mean of
  /// theirs.
  Measured mean(const std::string& quantity, const std::string& beside = {}) const {
    Measured sum{0, 0};
    double count = 0;
    for (std::size_t layer = 0; layer < layers(); ++layer) {
      const Measured one = at(quantity, layer);
      if (std::isnan(one.value) || (!beside.empty() && std::isnan(at(beside, layer).value))) continue;
      sum.value += one.value;
      sum.error += one.error;
      count += 1;
    }
    return count > 0 ? Measured{sum.value / count, sum.error / count} : Measured{};
  }
  // Of more than one start layer.
  Measured lowest(const std::string& quantity) const { return layers() > 1 ? at(quantity, 0) : Measured{}; }
  Measured highest(const std::string& quantity) const {
    return layers() > 1 ? at(quantity, layers_ - 1) : Measured{};
  }

 private:
  double number(const std::string& quantity, std::size_t layer) const {
    const std::string dataset = "/summary/" + quantity;
    if (!is_there() || !sweep_.has(dataset)) return std::nan("");
    const std::vector<double> all = sweep_.reals(dataset);
    const std::size_t entry = place_ * layers_ + layer;
    // Infinite are old files' distances over a spread or a length of 0.
    return entry < all.size() && std::isfinite(all[entry]) ? all[entry] : std::nan("");
  }

  const Run& sweep_;
  std::vector<std::string> cases_;
  std::size_t layers_ = 0;
  std::size_t place_ = 0;
};

Measured difference(Measured one, Measured other) {
  return {one.value - other.value, one.error + other.error};
}

Measured quotient(Measured one, Measured other) {
  const double value = other.value != 0 ? one.value / other.value : std::nan("");
  return {value, std::abs(value) * (one.error / std::abs(one.value) + other.error / std::abs(other.value))};
}

/// What was done to the streams: teleports where there are any, or else the first case.
std::string case_of(const Run& sweep) {
  if (!sweep.has("/case")) return "teleport";
  const std::vector<std::string> cases = sweep.file().read_texts("/case");
  const bool teleports = cases.empty() || std::ranges::find(cases, "teleport") != cases.end();
  return teleports ? "teleport" : cases.front();
}

Claim recovery(const std::string& name, const Case& moved, const Case& random) {
  Claim claim{
      .title = "Streams come back after a perturbation",
      .explanation = core::concat(
          "Means over the start layers that have both numbers, of the case ", name,
          ". Distances to the unperturbed stream shrink, also relative to the stream's norm and to the "
          "distance between two rows; and by more than after random displacements as long."),
      .comparisons = {}};
  // Of the start layers that have both: rows may all be equal where the first begins.
  const auto at_both = [&](const std::string& one, const std::string& other) {
    return moved.mean(one, other);
  };
  const Measured inward = moved.mean("inward_fraction"), ratio = moved.mean("ratio_end");
  claim.comparisons = {
      {Basis::paper, "share of steps that lead inward", "measured", inward, "half", {0.5, 0}},
      {Basis::paper, "distance, end over start", "measured", ratio, "unchanged", {1, 0}, Claimed::less},
      {Basis::scale_free, "distance over norm", "end",
       at_both("relative_distance_end", "relative_distance_start"), "start",
       at_both("relative_distance_start", "relative_distance_end"), Claimed::less},
      {Basis::scale_free, "distance over spread", "end",
       at_both("spread_distance_end", "spread_distance_start"), "start",
       at_both("spread_distance_start", "spread_distance_end"), Claimed::less},
      {Basis::control, "share of steps that lead inward", "measured", inward, "random direction",
       random.mean("inward_fraction")},
      {Basis::control, "distance, end over start", "measured", ratio, "random direction",
       random.mean("ratio_end"), Claimed::less}};
  return claim;
}

Claim lower_layers(const std::string& name, const Case& moved, const Case& random) {
  Claim claim{
      .title = "More so from lower layers",
      .explanation = core::concat(
          "The lowest start layer against the highest, of the case ", name,
          ". Streams that start lower have more layers to come back in, so the log of the distance is "
          "also taken for each point; and the excess of inward steps over random displacements."),
      .comparisons = {}};
  const auto add = [&](Basis basis, const std::string& measure, Measured low, Measured high,
                       Claimed claimed) {
    claim.comparisons.push_back({basis, measure, "lowest layer", low, "highest layer", high, claimed});
  };
  const auto direct = [&](Basis basis, const std::string& measure, const std::string& quantity,
                          Claimed claimed) {
    add(basis, measure, moved.lowest(quantity), moved.highest(quantity), claimed);
  };
  direct(Basis::paper, "share of steps that lead inward", "inward_fraction", Claimed::greater);
  direct(Basis::paper, "distance, end over start", "ratio_end", Claimed::less);
  direct(Basis::control, "change of log distance a point", "exponent", Claimed::less);
  const std::string spread = "spread_distance_";
  add(Basis::scale_free, "distance over spread, end over start",
      quotient(moved.lowest(spread + "end"), moved.lowest(spread + "start")),
      quotient(moved.highest(spread + "end"), moved.highest(spread + "start")), Claimed::less);
  const std::string inward = "inward_fraction";
  add(Basis::control, "inward steps less those of random direction",
      difference(moved.lowest(inward), random.lowest(inward)),
      difference(moved.highest(inward), random.highest(inward)), Claimed::greater);
  return claim;
}

}  // namespace

std::vector<Claim> sweep_claims(const Run& sweep) {
  const std::string name = case_of(sweep);
  const Case moved(sweep, name), random(sweep, name == "teleport" ? "random_direction" : "");
  return {recovery(name, moved, random), lower_layers(name, moved, random)};
}

}  // namespace orrery::report
