#include "orrery/statistics/headline.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/mean.hpp"
#include "orrery/core/not_a_number.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/statistics/jackknife.hpp"
#include "orrery/statistics/row_statistic.hpp"
#include "point_jackknife.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace orrery::statistics {
namespace {

using core::not_a_number;
constexpr std::size_t ninety_percent = 2;  // of variance_shares
static_assert(variance_shares[ninety_percent] == 0.90);

/// The places that the headline looks at, of a model with S + 1 capture points.
struct Places {
  explicit Places(const core::PointMap& points) : last(points.size() - 3), late(points.size() - 2) {
    for (std::int64_t step = 0; step <= last; ++step)
      (points.stays_in_layer(core::Point(step)) ? within : across).push_back(step);
  }
  std::vector<std::int64_t> within;
  std::vector<std::int64_t> across;
  std::int64_t first = 0;
  std::int64_t last;  ///< step S − 2
  std::int64_t early = 1;
  std::int64_t late;  ///< point S − 1
};

/// The mean of `line` at `steps`; NaN where there are none, or one is.
double mean_at(const double* line, const std::vector<std::int64_t>& steps) {
  double sum = 0;
  for (const std::int64_t step : steps) sum += line[step];
  return steps.empty() ? not_a_number : sum / static_cast<double>(steps.size());
}

/// Collects entries on rank 0.
class Writer {
 public:
  Writer(const Extent& extent, Headline& headline)
      : extent_(extent), blocks_(extent.samples), headline_(headline) {}

  void add(const char* name, double value, const std::vector<double>& left_out, const char* long_name,
           const char* unit) {
    headline_.entries.push_back({name, value, jackknife_error(left_out), long_name, unit});
  }

  /// A mean over `steps` of a mean over units, whose values without each block are the lines of `left_out`.
  void add_mean_over_steps(const char* name, const std::vector<double>& line,
                           const std::vector<double>& left_out, const std::vector<std::int64_t>& steps,
                           const char* long_name) {
    std::vector<double> values;
    for (auto place = left_out.begin(); place < left_out.end(); place += extent_.points - 1) {
      values.push_back(mean_at(&*place, steps));
    }
    add(name, mean_at(line.data(), steps), values, long_name, "1");
  }

  /// A mean over rows.
  void add_row_mean(const char* name, const RowSeries& series, std::int64_t place, const char* long_name,
                    const char* unit) {
    if (place < 0 || place >= series.length) return add(name, not_a_number, {}, long_name, unit);
    std::vector<double> values;
    for (std::int64_t block = 0; block < blocks_.count() && !series.rows.empty(); ++block) {
      core::Mean mean;
      for (std::int64_t sample = 0; sample < extent_.samples; ++sample) {
        if (!blocks_.holds(block, sample)) mean.add(series.rows[sample * series.length + place]);
      }
      values.push_back(mean.value());
    }
    add(name, series.mean[place], values, long_name, unit);
  }

  /// The three measures of dimension of a point.
  void add_dimensions(const std::string& place, std::int64_t point, const std::vector<Spectrum>& spectra,
                      const std::vector<LeftOutDimension>& left_out) {
    Spectrum spectrum;
    const bool there = point >= 0 && point < extent_.points;
    if (there) spectrum = spectra[point];
    const double components =
        there && extent_.samples > 1 ? spectrum.components_for[ninety_percent] : not_a_number;
    std::vector<double> left_components;
    std::vector<double> left_ratio;
    std::vector<double> left_corrected;
    for (const LeftOutDimension& without : left_out) {
      if (without.point != point) continue;
      left_components.push_back(without.components);
      left_ratio.push_back(without.participation_ratio);
      left_corrected.push_back(without.participation_ratio_corrected);
    }
    const std::string where = place == "early" ? ", point 1" : ", point S - 1";
    const auto name = [&](const char* stem) { return std::string(stem) + "_" + place; };
    add(name("components_90").c_str(), components, left_components,
        ("principal components for 90 % of the variance" + where).c_str(), "1");
    add(name("participation_ratio").c_str(), spectrum.participation_ratio, left_ratio,
        ("participation ratio" + where).c_str(), "1");
    add(name("participation_ratio_corrected").c_str(), spectrum.participation_ratio_corrected, left_corrected,
        ("participation ratio corrected for the number of rows" + where).c_str(), "1");
  }

 private:
  const Extent& extent_;
  SampleBlocks blocks_;
  Headline& headline_;
};

/// r[s, s+1] of the mean correlation, one a step.
std::vector<double> adjacent(const std::vector<double>& correlation, std::int64_t points) {
  std::vector<double> line;
  for (std::int64_t step = 0; step + 1 < points; ++step)
    line.push_back(correlation[step * points + step + 1]);
  return line;
}

void write_units(Writer& writer, const UnitStatistics& units, const Places& places, std::int64_t points) {
  const std::vector<double> line = adjacent(units.correlation, points);
  writer.add_mean_over_steps(
      "adjacent_correlation_within", line, units.adjacent_left_out, places.within,
      "correlation of a unit with itself one point on, within a layer, mean over units");
  writer.add_mean_over_steps("residual_null_within", units.residual_null, units.residual_null_left_out,
                             places.within,
                             "the same if the steps within a layer were independent of the stream");
  writer.add_mean_over_steps(
      "adjacent_correlation_across", line, units.adjacent_left_out, places.across,
      "correlation of a unit with itself one point on, across layers, mean over units");
  writer.add_mean_over_steps("residual_null_across", units.residual_null, units.residual_null_left_out,
                             places.across,
                             "the same if the steps across layers were independent of the stream");
}

void write_rows(Writer& writer, const SampleStatistics& rows, const Places& places) {
  writer.add_row_mean("cosine_first", rows.of(row_cosine), places.first, "cosine of the first two streams",
                      "1");
  writer.add_row_mean("cosine_last", rows.of(row_cosine), places.last, "cosine of points S - 2 and S - 1",
                      "1");
  writer.add_row_mean("velocity_first", rows.of(row_velocity), places.first, "length of the first step",
                      "activation");
  writer.add_row_mean("velocity_last", rows.of(row_velocity), places.last, "length of step S - 2",
                      "activation");
  writer.add_row_mean("relative_velocity_first", rows.of(row_relative_velocity), places.first,
                      "length of the first step over that of the stream before it", "1");
  writer.add_row_mean("relative_velocity_last", rows.of(row_relative_velocity), places.last,
                      "length of step S - 2 over that of the stream before it", "1");
}

/// The turns of phase portraits, and what they are held against.
void write_turns(Writer& writer, const TurnSummary& summary, const std::vector<TurnSummary>& left_out) {
  const auto add = [&](const std::string& name, const auto& number_of, const std::string& long_name) {
    std::vector<double> values;
    for (const TurnSummary& without : left_out) values.push_back(number_of(without));
    writer.add(name.c_str(), number_of(summary), values, long_name.c_str(), "1");
  };
  add(
      "turns", [](const TurnSummary& one) { return one.mean; },
      "turns |R| of the phase portrait of a unit's mean trajectory, mean over units");
  struct Name {
    RotationNull null;
    const char* suffix;
    const char* words;
  };
  constexpr std::array<Name, rotation_nulls> names = {
      {{RotationNull::points, "", "points permuted"},
       {RotationNull::layers, "_layer", "layers permuted"},
       {RotationNull::steps, "_step", "steps permuted"},
       {RotationNull::signs, "_sign", "steps of random sign"}}};
  for (const Name& name : names) {
    const auto of_null = [&](double TurnSummary::Null::*member) {
      return [member, which = static_cast<std::size_t>(name.null)](const TurnSummary& one) {
        return one.null[which].*member;
      };
    };
    const std::string null = core::concat(" null of ", name.words);
    const auto named = [&](const char* stem) { return core::concat(stem, name.suffix); };
    add(named("turns_null"), of_null(&TurnSummary::Null::mean),
        core::concat("|R|, mean over units and draws, of the", null));
    add(named("turns_more"), of_null(&TurnSummary::Null::more),
        core::concat("share of units that turn more than the", null, ", p < 0.05"));
    add(named("turns_fewer"), of_null(&TurnSummary::Null::fewer),
        core::concat("share of units that turn less than the", null, ", p < 0.05"));
    add(named("turns_more_q"), of_null(&TurnSummary::Null::more_discovered),
        core::concat("share of units that turn more than the", null,
                     ", false discovery rate q < 0.05 (Benjamini and Hochberg)"));
    add(named("turns_fewer_q"), of_null(&TurnSummary::Null::fewer_discovered),
        core::concat("share of units that turn less than the", null,
                     ", false discovery rate q < 0.05 (Benjamini and Hochberg)"));
  }
}

/// All ranks' lists as one, by point and block.
std::vector<LeftOutDimension> joined(const std::vector<std::vector<LeftOutDimension>>& by_rank) {
  std::vector<LeftOutDimension> all;
  for (const auto& list : by_rank) all.insert(all.end(), list.begin(), list.end());
  const auto key = [](const LeftOutDimension& value) { return std::pair(value.point, value.block); };
  std::sort(all.begin(), all.end(),
            [&](const auto& one, const auto& other) { return key(one) < key(other); });
  return all;
}

}  // namespace

Headline headline(const parallel::Communicator& ranks, const HeadlineSources& sources,
                  const HeadlineRows& rows, const Extent& extent, const core::PointMap& points, int threads) {
  const Places places(points);
  std::vector<LeftOutDimension> own;
  parallel::agree(ranks, "standard errors", [&] {
    own = leave_out_dimensions(rows.points, {places.early, places.late}, extent, threads);
  });
  const auto by_rank = ranks.gather_values<LeftOutDimension>(own);
  Headline result;
  parallel::agree(ranks, "standard errors", [&] {
    if (!ranks.is_root()) return;
    const std::vector<LeftOutDimension> left_out = joined(by_rank);
    Writer writer(extent, result);
    write_units(writer, sources.units, places, extent.points);
    write_rows(writer, sources.rows, places);
    writer.add_dimensions("early", places.early, sources.points.spectrum, left_out);
    writer.add_dimensions("late", places.late, sources.points.spectrum, left_out);
    write_turns(writer, summarise(sources.turns), rows.turns_left_out);
  });
  return result;
}

}  // namespace orrery::statistics
