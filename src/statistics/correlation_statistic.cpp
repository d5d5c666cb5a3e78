#include "correlation_statistic.hpp"

#include "describe.hpp"
#include "memory_sizes.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/mean.hpp"
#include "orrery/statistics/jackknife.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "put_numbers.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace orrery::statistics {
namespace {

/// The entries next to the diagonal of a matrix (P, P): r[s, s+1], one a step.
std::vector<double> next_to_diagonal(const std::vector<double>& matrix, std::int64_t points) {
  std::vector<double> line;
  for (std::int64_t step = 0; step + 1 < points && !matrix.empty(); ++step)
    line.push_back(matrix[step * points + step + 1]);
  return line;
}

/// Adds the mean over `steps` of a mean over units, whose values without each block are the lines of
/// `left_out`.
void tell_mean(Headline& headline, const std::string& name, const std::vector<double>& line,
               const std::vector<double>& left_out, const std::vector<std::int64_t>& steps,
               const std::string& long_name) {
  std::vector<double> values;
  for (auto begin = left_out.begin(); begin < left_out.end(); begin += std::ssize(line))
    values.push_back(mean_at(&*begin, steps));
  headline.add(name, mean_at(line.data(), steps), values, long_name);
}

/// Symmetric, 1 on the diagonal, and NaN where no unit varies.
void verify_matrix(StoredNumbers& stored, const TraceExtent& extent) {
  const std::vector<double> r = stored.reals("/continuity/correlation");
  const std::vector<double> count = stored.reals("/continuity/correlation_units");
  const std::int64_t points = extent.points();
  const auto at = [&](std::int64_t s, std::int64_t t) { return static_cast<std::size_t>(s * points + t); };
  Identity symmetric("correlation symmetric"), diagonal("correlation diagonal"), counted("correlation units");
  for (std::int64_t s = 0; s < points; ++s) {
    diagonal.hold(r[at(s, s)], count[at(s, s)] > 0 ? 1 : std::nan(""), 64 * epsilon, "point ", s);
    for (std::int64_t t = 0; t < points; ++t) {
      const std::string place = core::concat("(", s, ", ", t, ")");
      symmetric.hold(r[at(s, t)], r[at(t, s)], 64 * epsilon, place);
      counted.hold(count[at(s, t)], count[at(t, s)], 0, place);
      counted.require(std::isnan(r[at(s, t)]) == (count[at(s, t)] == 0), r[at(s, t)], count[at(s, t)], place);
    }
  }
  symmetric.tell(stored);
  diagonal.tell(stored);
  counted.tell(stored);
}

}  // namespace

double correlation_flops(const CostCase& of) {
  const auto points = static_cast<double>(of.extent.points);
  return static_cast<double>(of.extent.units) * static_cast<double>(of.extent.samples) * points *
         (of.rows_kept ? 2 * points + 20 : 2 * points);
}

std::int64_t correlation_scratch(const CostCase& of) {
  const Extent& extent = of.extent;
  const std::int64_t threads = of.options.threads;
  const std::int64_t blocks = unit_blocks_of_a_rank(extent, of.ranks);
  // A unit's centred values and their products; and the sums of each block, which rank 0 gathers.
  const std::int64_t unit = number_bytes * extent.points * (extent.samples + extent.points);
  const std::int64_t left_out = SampleBlocks(extent.samples).count();
  const std::int64_t sums = number_bytes * extent.points * (2 * extent.points + 2 * (1 + 2 * left_out));
  return std::min(threads, blocks) * unit + blocks * sums +
         2 * share_of_a_rank(extent.units, unit_block) * sums;
}

StatisticDatasets CorrelationStatistic::describe(const TraceExtent& extent) const {
  return {
      .datasets = {
          {.path = "/continuity/correlation",
           .dimensions = {"point", "other_point"},
           .long_name = "mean over units of the Pearson correlation over rows of x[:,s,d] with x[:,t,d]; "
                        "units constant at s or t are left out",
           .nan_where = "no unit varies at both points",
           .range = core::cosine_range},
          {.path = "/continuity/correlation_units",
           .type = core::ElementType::int64,
           .dimensions = {"point", "other_point"},
           .long_name = "units that the mean correlation was taken over",
           .range = core::Range{0, static_cast<double>(extent.units)}},
          {.path = "/continuity/unit_correlation",
           .type = core::ElementType::float32,
           .dimensions = {"step", "unit"},
           .long_name = "Pearson correlation over rows of x[:,s,d] with x[:,s+1,d]",
           .nan_where = "the unit is constant at either point",
           .range = core::Range{-1, 1, epsilon_of_float}},
          {.path = "/continuity/residual_null",
           .dimensions = {"step"},
           .long_name = "mean over units of sd(x[:,s,d]) / sqrt(var(x[:,s,d]) + var(x[:,s+1,d] - x[:,s,d])): "
                        "the correlation that adding an independent step leaves",
           .nan_where = "no unit varies at both points",
           .range = core::share_range}}};
}

StatisticCost CorrelationStatistic::cost(const CostCase& of) const {
  return {.during = Sharding::units,
          .flops = correlation_flops(of),
          .scratch = correlation_scratch(of),
          .held = static_cast<std::int64_t>(sizeof(float)) * units_of_a_rank(of.extent, of.ranks) *
                  of.extent.points};
}

void CorrelationStatistic::tell(const StatisticRun& run, const TraceMoments& moments,
                                Headline& headline) const {
  const UnitStatistics& units = moments.units;
  const HeadlinePlaces places(run.options.points);
  const std::vector<double> line = next_to_diagonal(units.correlation, run.extent.points);
  tell_mean(headline, "adjacent_correlation_within", line, units.adjacent_left_out, places.within,
            "correlation of a unit with itself one point on, within a layer, mean over units");
  tell_mean(headline, "residual_null_within", units.residual_null, units.residual_null_left_out,
            places.within, "the same if the steps within a layer were independent of the stream");
  tell_mean(headline, "adjacent_correlation_across", line, units.adjacent_left_out, places.across,
            "correlation of a unit with itself one point on, across layers, mean over units");
  tell_mean(headline, "residual_null_across", units.residual_null, units.residual_null_left_out,
            places.across, "the same if the steps across layers were independent of the stream");
}

void CorrelationStatistic::put(const StatisticRun& run, const TraceMoments& moments,
                               const PutNumbers& to) const {
  const UnitStatistics& units = moments.units;
  put_columns(to, "/continuity/unit_correlation", units.adjacent_correlation, units.units);
  if (!run.ranks.is_root()) return;
  const std::int64_t points = std::ssize(units.residual_null) + 1;
  put_lines(to, "/continuity/correlation", units.correlation, points);
  put_lines(to, "/continuity/correlation_units", units.correlation_units, points);
  put_line(to, "/continuity/residual_null", units.residual_null);
}

std::vector<double> stored_units_that_vary(const StoredNumbers& stored, const TraceExtent& extent) {
  return next_to_diagonal(stored.reals("/continuity/correlation_units"), extent.points());
}

void verify_mean_over_units(StoredNumbers& stored, const TraceExtent& extent, const std::string& path,
                            const std::string& subject, const std::function<double(std::int64_t)>& mean,
                            const std::function<double(std::int64_t)>& count) {
  Identity identity(subject);
  const auto units = static_cast<std::size_t>(extent.units);
  stored.for_slabs(path, [&](std::int64_t first, const std::vector<double>& values) {
    for (std::size_t begin = 0; begin < values.size(); begin += units) {
      const std::int64_t step = (first + static_cast<std::int64_t>(begin)) / extent.units;
      const core::Mean expected{std::span(values).subspan(begin, units)};
      identity.hold(mean(step), expected.value(), epsilon_of_float * expected.magnitude(), "step ", step);
      identity.hold(count(step), expected.count(), 0, "step ", step, ", units that vary");
    }
  });
  identity.tell(stored);
}

void CorrelationStatistic::verify(StoredNumbers& stored, const TraceExtent& extent) const {
  if (!stored.has({"/continuity/correlation", "/continuity/correlation_units"})) return;
  verify_matrix(stored, extent);
  if (!stored.has({"/continuity/unit_correlation"})) return;
  const std::vector<double> r = next_to_diagonal(stored.reals("/continuity/correlation"), extent.points());
  const std::vector<double> count = stored_units_that_vary(stored, extent);
  verify_mean_over_units(
      stored, extent, "/continuity/unit_correlation", "mean of unit correlations",
      [&](std::int64_t step) { return r[step]; }, [&](std::int64_t step) { return count[step]; });
}

void CorrelationStatistic::verify_headline(const StoredNumbers& stored, const TraceExtent& extent,
                                           HeadlineCheck& check) const {
  check.hold_steps("adjacent_correlation",
                   next_to_diagonal(stored.reals("/continuity/correlation"), extent.points()),
                   extent.point_map);
  check.hold_steps("residual_null", stored.reals("/continuity/residual_null"), extent.point_map);
}

}  // namespace orrery::statistics
