#include "trace_claims.hpp"

#include "numbers.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/mean.hpp"
#include "orrery/statistics/rotation_nulls.hpp"

#include <array>
#include <numbers>

namespace orrery::report {
namespace {

using core::concat;

Measured exactly(double value) {
  return {value, 0};
}

/// Of /headline, with its jackknife standard error.
Measured headline(const Run& trace, const std::string& name) {
  return {real_attribute(trace.file(), "/headline", name),
          real_attribute(trace.file(), "/headline", name + "_se")};
}

/// The mean of entries [begin, end) that are there, NaN skipped; NaN of none.
double mean_between(const std::vector<double>& values, std::size_t begin, std::size_t end) {
  core::Mean mean;
  for (std::size_t i = begin; i < end && i < values.size(); ++i) mean.add(values[i]);
  return mean.value();
}

enum class Half { first, second };

/// The mean of a curve over one half of the depth, its last entry left out, which is of the final point. Its
/// standard error is at most the mean of the points' own; rows of one sample go together and count as one.
Measured over_half(const Run& trace, const std::string& stem, Half half) {
  if (!trace.has(stem + "_mean") || !trace.has("/samples/row")) return {};
  const std::vector<double> means = trace.reals(stem + "_mean");
  const std::size_t entries = means.size() - 1, middle = entries / 2;
  const std::size_t begin = half == Half::first ? 0 : entries - middle;
  Measured measured{.value = mean_between(means, begin, begin + middle)};
  if (trace.has(stem + "_std")) {
    const auto samples = static_cast<double>(trace.file().info("/samples/row").shape.at(0));
    measured.error = mean_between(trace.reals(stem + "_std"), begin, begin + middle) / std::sqrt(samples);
  }
  return measured;
}

Comparison halves(const Run& trace, Basis basis, const std::string& measure, const std::string& stem,
                  Claimed claimed) {
  return {basis,         measure,
          "second half", over_half(trace, stem, Half::second),
          "first half",  over_half(trace, stem, Half::first),
          claimed};
}

Claim continuity(const Run& trace) {
  Claim claim{.title = "Units are continuous",
              .explanation =
                  "A unit's activations at adjacent points correlate strongly: by more than 0.5, and by more "
                  "than adding independent steps of the same size leaves by itself.",
              .comparisons = {}};
  const auto add = [&](const std::string& where, const std::string& words) {
    const Measured correlation = headline(trace, "adjacent_correlation_" + where);
    const std::string measure = "adjacent correlation, " + words;
    claim.comparisons.push_back({Basis::paper, measure, "measured", correlation, "strong", exactly(0.5)});
    claim.comparisons.push_back({Basis::null, measure, "measured", correlation, "independent steps",
                                 headline(trace, "residual_null_" + where)});
  };
  add("within", "within a layer");
  add("across", "across layers");
  return claim;
}

Claim acceleration(const Run& trace) {
  const auto ends = [&](Basis basis, const std::string& measure, const std::string& name) {
    return Comparison{basis,        measure,
                      "last step",  headline(trace, name + "_last"),
                      "first step", headline(trace, name + "_first")};
  };
  return {.title = "The stream accelerates over depth",
          .explanation = "Steps grow. Norms grow too, so the steps are also taken relative to the norm.",
          .comparisons = {ends(Basis::paper, "velocity", "velocity"),
                          ends(Basis::scale_free, "velocity relative to the norm", "relative_velocity")}};
}

Claim density(const Run& trace) {
  return {.title = "The stream grows denser over depth",
          .explanation =
              "More units are active. A fixed threshold counts more units wherever the norm grows; "
              "Hoyer's sparsity and the kurtosis over units, which should fall, don't depend on it.",
          .comparisons = {
              halves(trace, Basis::paper, "share of active units", "/density/active", Claimed::greater),
              halves(trace, Basis::scale_free, "Hoyer's sparsity", "/density/hoyer", Claimed::less),
              halves(trace, Basis::scale_free, "excess kurtosis", "/density/kurtosis", Claimed::less)}};
}

Claim rotations(const Run& trace) {
  const Measured turns = headline(trace, "turns");
  Claim claim{
      .title = "Units rotate in their phase portraits",
      .explanation =
          "On average they turn more than once over depth; and, if rotation is more than "
          "what chance makes of as many points, more than under each null.",
      .comparisons = {{Basis::paper, "turns, mean |R|", "measured", turns, "once around", exactly(1)}}};
  for (const statistics::RotationNullName& null : statistics::rotation_null_names)
    claim.comparisons.push_back({Basis::null, "turns, mean |R|", "measured", turns, null.words,
                                 headline(trace, concat("turns_null", null.suffix))});
  return claim;
}

Claim low_dimension(const Run& trace) {
  Claim claim{
      .title = "The stream lies in few dimensions",
      .explanation =
          "90 % of the variance over samples needs fewer components than half of the units "
          "are, where there are rows enough for that many; and the participation ratio is below that of "
          "as many rows drawn equally in all directions.",
      .comparisons = {}};
  const double units = trace.number("/", "hidden_size");
  const double freedom = trace.number("/", "rows") - 1;
  // Fewer rows have fewer components, whatever the streams do.
  const Measured half = exactly(freedom > units / 2 ? units / 2 : std::nan(""));
  const Measured isotropic = exactly(units * freedom / (units + freedom + 1));
  for (const std::string where : {"early", "late"}) {
    claim.comparisons.push_back({Basis::paper, "components for 90 %", where,
                                 headline(trace, "components_90_" + where), "half of the units", half,
                                 Claimed::less});
    claim.comparisons.push_back({Basis::null, "participation ratio", where,
                                 headline(trace, "participation_ratio_" + where), "all directions equal",
                                 isotropic, Claimed::less});
  }
  return claim;
}

Claim changing_dimension(const Run& trace) {
  const auto ends = [&](Basis basis, const std::string& measure, const std::string& name) {
    return Comparison{basis,
                      measure,
                      "late",
                      headline(trace, name + "_late"),
                      "early",
                      headline(trace, name + "_early"),
                      Claimed::different};
  };
  return {.title = "Its dimension changes over depth",
          .explanation =
              "Up or down: the two numbers differ. The participation ratio is also corrected for the "
              "number of rows.",
          .comparisons = {
              ends(Basis::paper, "components for 90 %", "components_90"),
              ends(Basis::paper, "participation ratio", "participation_ratio"),
              ends(Basis::control, "participation ratio, corrected for N", "participation_ratio_corrected")}};
}

Claim straightening(const Run& trace) {
  const Measured late = over_half(trace, "/geometry/curvature", Half::second);
  return {.title = "Trajectories curve, then straighten",
          .explanation =
              "Angles between successive steps fall with depth, in the first two pooled components "
              "and in all units; and late ones are below the right angle of independent steps.",
          .comparisons = {halves(trace, Basis::paper, "angle in the plane (radian)",
                                 "/geometry/plane_curvature", Claimed::less),
                          halves(trace, Basis::control, "angle over all units (radian)",
                                 "/geometry/curvature", Claimed::less),
                          {Basis::null, "angle over all units (radian)", "second half", late,
                           "independent steps", exactly(std::numbers::pi / 2), Claimed::less}}};
}

}  // namespace

std::vector<Claim> trace_claims(const Run& trace) {
  return {continuity(trace),    acceleration(trace),       density(trace),      rotations(trace),
          low_dimension(trace), changing_dimension(trace), straightening(trace)};
}

}  // namespace orrery::report
