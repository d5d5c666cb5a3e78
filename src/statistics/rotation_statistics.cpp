#include "rotation_statistics.hpp"

#include "describe.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/statistics/jackknife.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "put_numbers.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace orrery::statistics {
namespace {

using core::concat;

core::Dataset dataset_of_units(const std::string& name, std::string long_name, std::string units,
                               const core::Range& range) {
  return {.path = "/rotation/" + name,
          .dimensions = {"unit"},
          .long_name = std::move(long_name),
          .units = std::move(units),
          .range = range};
}

void describe_null(StatisticDatasets& described, const TraceExtent& extent, const RotationNullName& null) {
  const std::string suffix = null.suffix;
  const core::Range signed_turns = turns_range(extent);
  const std::string of = concat(" of draws: ", null.draw);
  const auto add = [&](core::Dataset dataset) {
    dataset.attributes.emplace_back("draws", extent.permutations);
    described.datasets.push_back(std::move(dataset));
  };
  add(dataset_of_units("null" + suffix + "_mean", "mean of the signed turns R0" + of, "turn", signed_turns));
  core::Dataset spread =
      dataset_of_units("null" + suffix + "_std",
                       "standard deviation, divisor one less than the draws, of the signed turns R0" + of,
                       "turn", core::not_negative);
  if (extent.permutations == 1) spread.nan_where = "there is one draw";
  add(std::move(spread));
  add(dataset_of_units("null" + suffix + "_abs_mean", "mean of |R0|" + of, "turn",
                       core::Range{0, signed_turns.greatest}));
  for (const auto& [tail, relation] : {std::pair("p_more", ">="), std::pair("p_fewer", "<=")}) {
    core::Dataset share = dataset_of_units(
        tail + suffix, concat("(1 + #{|R0| ", relation, " |R|}) / (1 + draws)", of, "; one-sided p-value"),
        "1", core::Range{1 / static_cast<double>(extent.permutations + 1), 1});
    share.attributes = {{"ties", equal_turns},
                        {"ties_rule", "turns that differ by at most `ties` are equal: count in both tails"}};
    add(std::move(share));
  }
}

}  // namespace

double row_turn_flops(const CostCase& of) {
  return of.rows_kept ? 30 * static_cast<double>(of.extent.samples) * static_cast<double>(of.extent.points) *
                            static_cast<double>(of.extent.units)
                      : 0;
}

StatisticDatasets TurnStatistic::describe(const TraceExtent& extent) const {
  StatisticDatasets described;
  core::Dataset turns = dataset_of_units(
      "turns",
      "R: turns of the mean trajectory's phase portrait, the sum of its turning angles over 2 pi; positive "
      "is anticlockwise",
      "turn", turns_range(extent));
  turns.attributes = {
      {"points", "0 ... S-1: the final point is left out"},
      {"portrait",
       "X = a - a[0], Y = g - g[0], g the gradient of a over points as numpy.gradient has it: "
       "central differences inside, one-sided at both ends"},
      {"angles", "turning angles between successive steps of (X, Y), wrapped to [-pi, pi)"}};
  described.datasets.push_back(std::move(turns));
  for (const RotationNullName& null : rotation_null_names) describe_null(described, extent, null);
  described.datasets.push_back(
      {.path = "/rotation/local_turns",
       .dimensions = {"run"},
       .long_name = "mean over units of the sum over 8 successive turning angles, over 2 pi, of the mean "
                    "trajectory",
       .units = "turn",
       .attributes = {{"angles_a_run", std::int64_t{8}}},
       .range = core::Range{-4, 4}});
  described.scales = {
      {"run", extent.points() - 10, "run of 8 successive turning angles, from angle i to i + 7"}};
  return described;
}

/// Operations of the nulls and their left-out blocks, at about 30 a point of a draw.
StatisticCost TurnStatistic::cost(const CostCase& of) const {
  const double all = SampleBlocks(of.extent.samples).count() > 0 ? 2 : 1;
  return {.during = Sharding::units,
          .flops = all * static_cast<double>(rotation_nulls) * 30 *
                   static_cast<double>(of.options.permutations) * static_cast<double>(of.extent.units) *
                   static_cast<double>(of.extent.points)};
}

void TurnStatistic::take_units(const StatisticRun& run, const UnitShard& shard, const UnitStatistics&) {
  left_out_ = left_out_turns(run.ranks, shard, run.extent, run.options.points,
                             {run.options.permutations, run.options.seed}, run.options.threads);
}

void TurnStatistic::take_moments(const StatisticRun& run, const TraceMoments& moments) {
  turns_ = unit_turns(run.ranks, moments.units.units, moments.units.mean, run.extent, run.options.points,
                      {run.options.permutations, run.options.seed}, run.options.threads);
}

void TurnStatistic::tell(const StatisticRun&, const TraceMoments&, Headline& headline) const {
  const TurnSummary summary = summarise(turns_);
  const auto add = [&](const std::string& name, const auto& number_of, const std::string& long_name) {
    std::vector<double> values;
    for (const TurnSummary& without : left_out_) values.push_back(number_of(without));
    headline.add(name, number_of(summary), values, long_name);
  };
  add(
      "turns", [](const TurnSummary& one) { return one.mean; },
      "turns |R| of the phase portrait of a unit's mean trajectory, mean over units");
  for (const RotationNullName& name : rotation_null_names) {
    const auto of_null = [&](double TurnSummary::Null::*member) {
      return [member, which = static_cast<std::size_t>(name.null)](const TurnSummary& one) {
        return one.null[which].*member;
      };
    };
    const std::string null = concat(" null of ", name.words);
    const auto named = [&](const char* stem) { return concat(stem, name.suffix); };
    add(named("turns_null"), of_null(&TurnSummary::Null::mean),
        concat("|R|, mean over units and draws, of the", null));
    add(named("turns_more"), of_null(&TurnSummary::Null::more),
        concat("share of units that turn more than the", null, ", p < 0.05"));
    add(named("turns_fewer"), of_null(&TurnSummary::Null::fewer),
        concat("share of units that turn less than the", null, ", p < 0.05"));
    add(named("turns_more_q"), of_null(&TurnSummary::Null::more_discovered),
        concat("share of units that turn more than the", null,
               ", false discovery rate q < 0.05 (Benjamini and Hochberg)"));
    add(named("turns_fewer_q"), of_null(&TurnSummary::Null::fewer_discovered),
        concat("share of units that turn less than the", null,
               ", false discovery rate q < 0.05 (Benjamini and Hochberg)"));
  }
}

void TurnStatistic::put(const StatisticRun& run, const TraceMoments&, const PutNumbers& to) const {
  if (!run.ranks.is_root()) return;
  put_line(to, "/rotation/turns", turns_.turns);
  for (const RotationNullName& name : rotation_null_names) {
    const UnitTurns::Null& null = turns_.of(name.null);
    const std::string suffix = name.suffix;
    put_line(to, "/rotation/null" + suffix + "_mean", null.mean);
    put_line(to, "/rotation/null" + suffix + "_std", null.standard_deviation);
    put_line(to, "/rotation/null" + suffix + "_abs_mean", null.abs_mean);
    put_line(to, "/rotation/p_more" + suffix, null.p_more);
    put_line(to, "/rotation/p_fewer" + suffix, null.p_fewer);
  }
  put_line(to, "/rotation/local_turns", turns_.local_turns);
}

void TurnStatistic::verify(StoredNumbers& stored, const TraceExtent& extent) const {
  const auto draws = static_cast<double>(extent.permutations);
  Identity identity("p-values"), sizes("mean turns of the nulls");
  for (const RotationNullName& null : rotation_null_names) {
    const std::string suffix = null.suffix;
    const std::vector<double> more = stored.reals("/rotation/p_more" + suffix);
    const std::vector<double> fewer = stored.reals("/rotation/p_fewer" + suffix);
    for (std::size_t d = 0; d < std::min(more.size(), fewer.size()); ++d) {
      const std::string place = concat("unit ", d, ", null", suffix);
      for (const double p : {more[d], fewer[d]}) {
        identity.hold(p * (draws + 1), std::round(p * (draws + 1)), 1e-6, place);
      }
      // Each draw counts in one tail at least, and the turns themselves in both.
      identity.require((more[d] + fewer[d]) * (draws + 1) >= draws + 2 - 1e-6, more[d], fewer[d], place);
    }
    const std::vector<double> mean = stored.reals("/rotation/null" + suffix + "_mean");
    const std::vector<double> size = stored.reals("/rotation/null" + suffix + "_abs_mean");
    for (std::size_t d = 0; d < std::min(mean.size(), size.size()); ++d) {
      sizes.require(std::abs(mean[d]) <= size[d] * (1 + 1e-9) + 1e-12, mean[d], size[d], "unit ", d, ", null",
                    suffix);
    }
  }
  identity.tell(stored);
  sizes.tell(stored);
}

StatisticDatasets SampleTurnStatistic::describe(const TraceExtent& extent) const {
  core::Dataset mean =
      dataset_of_units("sample_turns_mean", "mean over samples of the turns of each sample's own trajectory",
                       "turn", turns_range(extent));
  core::Dataset spread = dataset_of_units(
      "sample_turns_std",
      "standard deviation over samples, divisor N - 1, of the turns of each sample's own trajectory", "turn",
      core::not_negative);
  spread.nan_where = where_one_row(extent);
  const std::string reason = "every token is a row: not computed for so many";
  return {.datasets = {std::move(mean), std::move(spread)},
          .not_of_every_token = {{"/rotation/sample_turns_mean", reason},
                                 {"/rotation/sample_turns_std", reason}}};
}

StatisticCost SampleTurnStatistic::cost(const CostCase& of) const {
  return {.during = Sharding::units, .flops = row_turn_flops(of)};
}

void SampleTurnStatistic::put(const StatisticRun& run, const TraceMoments& moments,
                              const PutNumbers& to) const {
  if (!run.ranks.is_root()) return;
  put_line(to, "/rotation/sample_turns_mean", moments.sample_turns.mean);
  put_line(to, "/rotation/sample_turns_std", moments.sample_turns.standard_deviation);
}

}  // namespace orrery::statistics
