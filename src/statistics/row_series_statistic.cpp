#include "row_series_statistic.hpp"

#include "describe.hpp"
#include "orrery/core/mean.hpp"
#include "orrery/core/not_a_number.hpp"
#include "orrery/statistics/jackknife.hpp"
#include "orrery/statistics/row_statistic.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "put_numbers.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace orrery::statistics {
namespace {

const char* dimension_of(Along along) {
  return along == Along::points ? "point" : along == Along::steps ? "step" : "bend";
}

/// "cosine" of "/continuity/cosine".
std::string last_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

/// Adds the mean over rows at a place.
void tell_mean_of_rows(Headline& headline, const std::string& name, const RowSeries& series,
                       std::int64_t place, const std::string& long_name, const std::string& unit) {
  if (place < 0 || place >= series.length) return headline.add(name, core::not_a_number, {}, long_name, unit);
  const std::int64_t samples = std::ssize(series.rows) / series.length;
  const SampleBlocks blocks(samples);
  std::vector<double> values;
  for (std::int64_t block = 0; block < blocks.count(); ++block) {
    core::Mean mean;
    for (std::int64_t sample = 0; sample < samples; ++sample) {
      if (!blocks.holds(block, sample)) mean.add(series.rows[sample * series.length + place]);
    }
    values.push_back(mean.value());
  }
  headline.add(name, series.mean[place], values, long_name, unit);
}

/// Two attributes stand for the dataset where every token is a row.
void verify_straightness(StoredNumbers& stored) {
  if (!stored.has({"/geometry/curvature_mean"})) return;
  Identity identity("straightness");
  for (const auto& [name, least] : {std::pair("straightness_mean", 1 - 1e-12), {"straightness_std", 0.0}}) {
    const double found = stored.number("/geometry", name).value_or(core::not_a_number);
    identity.require(found >= least, found, least, name);
  }
  identity.tell(stored);
}

}  // namespace

StatisticDatasets RowSeriesStatistic::describe(const TraceExtent& extent) const {
  StatisticDatasets described;
  std::vector<core::Dataset>& datasets = described.datasets;
  for (const RowStatistic* one : row_statistics()) {
    const RowDescription row = one->describe(extent.units);
    if (row.along == Along::path) {
      datasets.push_back({.path = row.path,
                          .dimensions = {"sample"},
                          .long_name = row.what,
                          .units = row.units,
                          .nan_where = row.undefined,
                          .range = row.range});
      described.not_of_every_token.push_back(
          {row.path, "every token is a row: its mean and spread are attributes of " +
                         row.path.substr(0, row.path.rfind('/'))});
    } else {
      append(datasets, mean_and_spread(extent, {.path = row.path,
                                                .dimension = dimension_of(row.along),
                                                .what = row.what,
                                                .undefined = row.undefined,
                                                .range = row.range,
                                                .units = row.units}));
      for (core::Dataset& dataset : std::span(datasets).last(2))
        dataset.attributes.assign(row.attributes.begin(), row.attributes.end());
    }
  }
  datasets.push_back({.path = "/continuity/acceleration",
                      .dimensions = {"bend"},
                      .long_name = "velocity_mean[s+1] - velocity_mean[s]"});
  return described;
}

StatisticCost RowSeriesStatistic::cost(const CostCase& of) const {
  // Their table is in memory throughout: `statistics_bytes` counts it.
  return {.during = Sharding::rows,
          .flops = 40 * static_cast<double>(of.extent.samples) * static_cast<double>(of.extent.points) *
                   static_cast<double>(of.extent.units)};
}

void RowSeriesStatistic::tell(const StatisticRun& run, const TraceMoments& moments,
                              Headline& headline) const {
  const HeadlinePlaces places(run.options.points);
  for (const RowStatistic* one : row_statistics()) {
    const RowDescription row = one->describe(run.extent.units);
    if (row.headline.first.empty()) continue;
    const std::string name = last_name(row.path);
    const RowSeries& series = moments.rows.of(row.path);
    tell_mean_of_rows(headline, name + "_first", series, places.first, row.headline.first, row.headline.unit);
    tell_mean_of_rows(headline, name + "_last", series, places.last, row.headline.last, row.headline.unit);
  }
}

void RowSeriesStatistic::put(const StatisticRun& run, const TraceMoments& moments,
                             const PutNumbers& to) const {
  if (!run.ranks.is_root()) return;
  for (const RowStatistic* one : row_statistics()) {
    const RowDescription row = one->describe(run.extent.units);
    const RowSeries& series = moments.rows.of(row.path);
    if (row.along == Along::path) {
      put_line(to, row.path, series.rows);
    } else {
      put_series(to, row.path, series);
    }
  }
  put_line(to, "/continuity/acceleration", moments.rows.acceleration);
}

void RowSeriesStatistic::verify(StoredNumbers& stored, const TraceExtent& extent) const {
  const std::vector<double> velocity = stored.reals("/continuity/velocity_mean");
  const std::vector<double> acceleration = stored.reals("/continuity/acceleration");
  Identity identity("acceleration");
  for (std::size_t s = 0; s < acceleration.size() && s + 1 < velocity.size(); ++s) {
    identity.hold(acceleration[s], velocity[s + 1] - velocity[s],
                  2 * epsilon * std::max(velocity[s], velocity[s + 1]), "bend ", s);
  }
  identity.tell(stored);
  if (extent.every_token) verify_straightness(stored);
}

void RowSeriesStatistic::verify_headline(const StoredNumbers& stored, const TraceExtent& extent,
                                         HeadlineCheck& check) const {
  for (const RowStatistic* one : row_statistics()) {
    const RowDescription row = one->describe(extent.units);
    if (row.headline.first.empty()) continue;
    check.hold_ends(last_name(row.path), stored.reals(row.path + "_mean"), extent.point_map);
  }
}

}  // namespace orrery::statistics
