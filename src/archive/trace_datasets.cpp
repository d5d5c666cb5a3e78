#include "trace_datasets.hpp"

#include "orrery/archive/point_datasets.hpp"
#include "orrery/statistics/row_statistic.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

namespace orrery::archive {
namespace {

using enum ElementType;

void add_texts(Layout& layout) {
  const auto add = [&](const char* name, const char* long_name) {
    layout.datasets.push_back({.path = std::string("/samples/") + name,
                               .type = int64,
                               .dimensions = {"sample"},
                               .long_name = long_name});
  };
  add("row", "line of the corpus that the sample was taken from, counted from 0");
  add("characters", "Unicode code points of the sample, stripped");
  add("length", "tokens of the sample, BOS counted");
  add("position", "place of the measured token in the sample; BOS has 0");
  layout.datasets.push_back(
      {.path = "/samples/token_offset",
       .type = int64,
       .dimensions = {"sample_bound"},
       .long_name = "where a sample's tokens begin: ids of sample n = token[offset[n]:offset[n+1]]"});
  layout.datasets.push_back(
      {.path = "/samples/token",
       .type = int32,
       .dimensions = {"token_index"},
       .long_name = "token ids of all samples, BOS included, one sample after the other"});
}

void add_trajectory(Layout& layout, const TraceExtent& extent) {
  layout.datasets.push_back({.path = "/trajectory/mean",
                             .dimensions = {"point", "unit"},
                             .long_name = "mean over rows of x[n,s,d]: the mean trajectory a[s,d]"});
  layout.datasets.push_back({.path = "/trajectory/variance",
                             .dimensions = {"point", "unit"},
                             .long_name = "variance over rows of x[n,s,d], divisor N - 1",
                             .nan_where = where_one_row(extent),
                             .range = core::not_negative});
}

void add_correlations(Layout& layout, const TraceExtent& extent) {
  layout.datasets.push_back({.path = "/continuity/correlation",
                             .dimensions = {"point", "other_point"},
                             .long_name =
                                 "mean over units of the Pearson correlation over rows of x[:,s,d] with "
                                 "x[:,t,d]; units constant at s or t are left out",
                             .nan_where = "no unit varies at both points",
                             .range = core::cosine_range});
  layout.datasets.push_back({.path = "/continuity/correlation_units",
                             .type = int64,
                             .dimensions = {"point", "other_point"},
                             .long_name = "units that the mean correlation was taken over",
                             .range = core::Range{0, static_cast<double>(extent.units)}});
  layout.datasets.push_back({.path = "/continuity/unit_correlation",
                             .type = float32,
                             .dimensions = {"step", "unit"},
                             .long_name = "Pearson correlation over rows of x[:,s,d] with x[:,s+1,d]",
                             .nan_where = "the unit is constant at either point",
                             .range = core::Range{-1, 1, epsilon_of_float}});
  layout.datasets.push_back(
      {.path = "/continuity/residual_null",
       .dimensions = {"step"},
       .long_name = "mean over units of sd(x[:,s,d]) / sqrt(var(x[:,s,d]) + var(x[:,s+1,d] - x[:,s,d])): "
                    "the correlation that adding an independent step leaves",
       .nan_where = "no unit varies at both points",
       .range = core::share_range});
}

void add_information(Layout& layout, const TraceExtent& extent) {
  // The information itself is from 0 to log B; the bias taken off is what the range is widened by.
  const auto bins = static_cast<double>(extent.information_bins());
  const auto rows = static_cast<double>(extent.rows);
  const core::Range range{-(bins - 1) * (bins - 1) / (2 * rows), std::log(bins) + (bins - 1) / (2 * rows),
                          1e-6};
  layout.datasets.push_back(
      {.path = "/continuity/mutual_information",
       .type = float32,
       .dimensions = {"step", "unit"},
       .long_name =
           "mutual information over rows of x[:,s,d] and x[:,s+1,d]: plug-in estimate on bins x bins "
           "cells less the Miller-Madow bias (K_xy - K_x - K_y + 1) / (2 N), K counting occupied "
           "cells",
       .units = "nat",
       .attributes = {{"bins", extent.information_bins()},
                      {"bins_rule",
                       "equal-frequency, B = floor(sqrt(N / 5)) from 2 to 32: the value of rank r falls in "
                       "bin floor(r B / N), equal values share the lowest of their ranks"}},
       .nan_where = "the unit is constant at either point",
       .range = range});
  layout.datasets.push_back({.path = "/continuity/mutual_information_mean",
                             .dimensions = {"step"},
                             .long_name = "mean over units of mutual_information; units constant at either "
                                          "point are left out",
                             .units = "nat",
                             .nan_where = "no unit varies at both points",
                             .range = range});
}

const char* dimension_of(statistics::Along along) {
  return along == statistics::Along::points ? "point" : along == statistics::Along::steps ? "step" : "bend";
}

}  // namespace

std::string where_one_row(const TraceExtent& extent) {
  return extent.rows == 1 ? "there is one row" : "";
}

void add_moments(Layout& layout, const TraceExtent& extent, const std::string& path,
                 const std::string& dimension, const std::string& what, const std::string& undefined,
                 const core::Range& range, const std::string& units) {
  const std::string left_out = undefined.empty() ? "" : "; rows in which " + undefined + " are left out";
  layout.datasets.push_back({.path = path + "_mean",
                             .dimensions = {dimension},
                             .long_name = "mean over rows of " + what + left_out,
                             .units = units,
                             .nan_where = undefined.empty() ? "" : "no row is left",
                             .range = range});
  layout.datasets.push_back(
      {.path = path + "_std",
       .dimensions = {dimension},
       .long_name = "standard deviation over rows of " + what + ", divisor one less than the rows" + left_out,
       .units = units,
       .nan_where = undefined.empty() ? where_one_row(extent) : "fewer than two rows are left",
       .range = core::not_negative});
}

void add_samples(Layout& layout, const TraceExtent& extent) {
  add_texts(layout);
  add_points(layout, extent.point_map);
  layout.datasets.push_back({.path = "/residual/last_token",
                             .type = extent.rows_float64 ? float64 : float32,
                             .dimensions = {"sample", "point", "unit"},
                             .long_name = "residual stream x[n,s,d] of the measured token, before any norm"});
}

void add_row_statistics(Layout& layout, const TraceExtent& extent, std::string_view group) {
  for (const statistics::RowStatistic* one : statistics::row_statistics()) {
    const statistics::RowDescription row = one->describe(extent.units);
    if (!row.path.starts_with(group)) continue;
    if (row.along == statistics::Along::path) {
      layout.datasets.push_back({.path = row.path,
                                 .dimensions = {"sample"},
                                 .long_name = row.what,
                                 .units = row.units,
                                 .nan_where = row.undefined,
                                 .range = row.range});
    } else {
      add_moments(layout, extent, row.path, dimension_of(row.along), row.what, row.undefined, row.range,
                  row.units);
      for (Dataset& dataset : std::span(layout.datasets).last(2))
        dataset.attributes.assign(row.attributes.begin(), row.attributes.end());
    }
  }
}

void add_units(Layout& layout, const TraceExtent& extent) {
  add_trajectory(layout, extent);
  add_correlations(layout, extent);
  add_row_statistics(layout, extent, "/continuity/");
  layout.datasets.push_back({.path = "/continuity/acceleration",
                             .dimensions = {"bend"},
                             .long_name = "velocity_mean[s+1] - velocity_mean[s]"});
  add_information(layout, extent);
  add_row_statistics(layout, extent, "/density/");
}

}  // namespace orrery::archive
