#include "orrery/statistics/headline.hpp"

#include "orrery/statistics/jackknife.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "tests/statistics/data.hpp"
#include "tests/statistics/reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <string>
#include <utility>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;
using Measure = std::function<double(const Data&)>;

// Ten-fold what the parts allow (their own tests): the error bar is a difference of nearly equal values.
constexpr double tolerance = 1e-10;

/// The jackknife by its definition: measure again without each block.
double standard_error(const Data& data, const Measure& measure) {
  const std::int64_t samples = data.extent.samples;
  if (samples < 3) return std::nan("");
  const std::int64_t blocks = std::min<std::int64_t>(samples, 10);
  std::vector<double> values;
  double mean = 0;
  for (std::int64_t block = 0; block < blocks; ++block) {
    values.push_back(measure(data.without(block * samples / blocks, (block + 1) * samples / blocks)));
    mean += values.back() / static_cast<double>(blocks);
  }
  double squares = 0;
  for (const double value : values) squares += std::pow(value - mean, 2);
  return std::sqrt(squares * static_cast<double>(blocks - 1) / static_cast<double>(blocks));
}

Measure over_steps(std::vector<std::int64_t> steps,
                   const std::function<double(const Data&, std::int64_t)>& measure) {
  return [=](const Data& data) {
    double sum = 0;
    for (const std::int64_t step : steps) sum += measure(data, step);
    return sum / static_cast<double>(steps.size());
  };
}

Measure of_rows(const reference::RowMeasure& measure, std::int64_t place) {
  return [=](const Data& data) { return reference::row_mean(data, measure, place); };
}

struct Expectation {
  const char* name;
  Measure measure;
};

/// For P = 7: S = 6, within 0 2 4, across 1 3, last step 4, late point 5.
std::vector<Expectation> expectations() {
  const auto adjacent = [](const Data& data, std::int64_t s) {
    return reference::mean_correlation(data, s, s + 1);
  };
  const auto components = [](std::int64_t s) {
    return [=](const Data& data) {
      return static_cast<double>(reference::Covariance(data, s).components_for(0.9));
    };
  };
  const auto ratio = [](std::int64_t s) {
    return [=](const Data& data) { return reference::Covariance(data, s).participation_ratio(); };
  };
  const auto corrected = [](std::int64_t s) {
    return [=](const Data& data) {
      return reference::Covariance(data, s).participation_ratio_corrected(data.extent.samples);
    };
  };
  return {{"adjacent_correlation_within", over_steps({0, 2, 4}, adjacent)},
          {"residual_null_within", over_steps({0, 2, 4}, reference::residual_null)},
          {"adjacent_correlation_across", over_steps({1, 3}, adjacent)},
          {"residual_null_across", over_steps({1, 3}, reference::residual_null)},
          {"cosine_first", of_rows(reference::cosine, 0)},
          {"cosine_last", of_rows(reference::cosine, 4)},
          {"velocity_first", of_rows(reference::velocity, 0)},
          {"velocity_last", of_rows(reference::velocity, 4)},
          {"relative_velocity_first", of_rows(reference::relative_velocity, 0)},
          {"relative_velocity_last", of_rows(reference::relative_velocity, 4)},
          {"components_90_early", components(1)},
          {"participation_ratio_early", ratio(1)},
          {"participation_ratio_corrected_early", corrected(1)},
          {"components_90_late", components(5)},
          {"participation_ratio_late", ratio(5)},
          {"participation_ratio_corrected_late", corrected(5)}};
}

Headline compute(const Communicator& ranks, const Data& data) {
  return trace_statistics(ranks, testing::deal(ranks, data, at::kFloat, 3), data.extent,
                          {8, 2, 20, 0, testing::points_of(data.extent)})
      .headline;
}

/// The entries of the turns: those of the summary of all samples, with errors from those without each block.
/// Collective; the turns themselves have tests of their own.
void expect_turns(const Communicator& ranks, const Data& data, std::span<const Headline::Entry> entries) {
  const Extent& extent = data.extent;
  const core::PointMap points = testing::points_of(extent);
  const UnitShard shard = by_unit(ranks, testing::deal(ranks, data, at::kFloat, 3), extent);
  const UnitStatistics units = unit_statistics(ranks, shard, extent, 1);
  const TurnSummary all = summarise(unit_turns(ranks, shard.units, units.mean, extent, points, {20, 0}, 1));
  const std::vector<TurnSummary> left_out = left_out_turns(ranks, shard, extent, points, {20, 0}, 1);
  if (!ranks.is_root()) return;
  using Number = std::function<double(const TurnSummary&)>;
  std::vector<std::pair<std::string, Number>> expected = {
      {"turns", [](const TurnSummary& one) { return one.mean; }}};
  for (const auto& [null, suffix] : {std::pair(0, ""), {1, "_layer"}, {2, "_step"}, {3, "_sign"}}) {
    const auto add = [&, which = null, end = std::string(suffix)](const std::string& stem,
                                                                  double TurnSummary::Null::*number) {
      expected.emplace_back(stem + end, [=](const TurnSummary& one) { return one.null[which].*number; });
    };
    add("turns_null", &TurnSummary::Null::mean);
    add("turns_more", &TurnSummary::Null::more);
    add("turns_fewer", &TurnSummary::Null::fewer);
    add("turns_more_q", &TurnSummary::Null::more_discovered);
    add("turns_fewer_q", &TurnSummary::Null::fewer_discovered);
  }
  EXPECT_EQ(entries.size(), expected.size());
  for (std::size_t i = 0; i < std::min(entries.size(), expected.size()); ++i) {
    EXPECT_EQ(entries[i].name, expected[i].first);
    EXPECT_EQ(entries[i].value, expected[i].second(all)) << entries[i].name;
    std::vector<double> values;
    for (const TurnSummary& without : left_out) values.push_back(expected[i].second(without));
    EXPECT_EQ(entries[i].standard_error, jackknife_error(values)) << entries[i].name;
  }
}

TEST(Headline, HoldsEveryNumberWithItsJackknifeError) {
  const Communicator ranks = Communicator::world();
  for (const Extent& extent :
       {Extent{27, 7, 40}, {53, 7, 12}, {6, 7, 20}}) {  // Gram, covariance, fewer than 10
    const Data data = testing::walk(extent, 71);
    const Headline got = compute(ranks, data);
    const std::vector<Expectation> expected = expectations();
    const std::size_t before = std::min(expected.size(), got.entries.size());
    expect_turns(ranks, data, std::span(got.entries).subspan(before));
    if (!ranks.is_root()) {
      EXPECT_TRUE(got.entries.empty());
      continue;
    }
    EXPECT_EQ(before, expected.size());
    for (std::size_t i = 0; i < before; ++i) {
      const Headline::Entry& entry = got.entries[i];
      EXPECT_EQ(entry.name, expected[i].name);
      const double value = expected[i].measure(data);
      const double error = standard_error(data, expected[i].measure);
      EXPECT_GT(error + (entry.name.starts_with("components") ? 1 : 0), 0) << entry.name;
      EXPECT_NEAR(entry.value, value, tolerance * std::abs(value)) << entry.name;
      EXPECT_NEAR(entry.standard_error, error, tolerance * std::abs(value)) << entry.name;
    }
  }
}

TEST(Headline, TooFewSamplesOrPointsAreNotANumber) {
  const Communicator ranks = Communicator::world();
  for (const Headline::Entry& entry : compute(ranks, testing::noise({2, 7, 5}, 72)).entries) {
    EXPECT_TRUE(std::isnan(entry.standard_error)) << entry.name;
  }
  for (const Headline::Entry& entry : compute(ranks, testing::noise({1, 7, 5}, 72)).entries) {
    const bool of_rows = entry.name.starts_with("cosine") || entry.name.starts_with("turns") ||
                         entry.name.find("velocity") != std::string::npos;
    EXPECT_EQ(std::isnan(entry.value), !of_rows) << entry.name;
  }
  // One layer: P = 3, S = 2, early and late are one point, and nothing lies across layers.
  for (const Headline::Entry& entry : compute(ranks, testing::noise({12, 3, 5}, 73)).entries) {
    EXPECT_EQ(std::isnan(entry.value), entry.name.ends_with("_across")) << entry.name;
    EXPECT_EQ(std::isnan(entry.standard_error), entry.name.ends_with("_across")) << entry.name;
  }
  for (const Headline::Entry& entry : compute(ranks, testing::noise({12, 1, 5}, 73)).entries) {
    if (entry.name.starts_with("turns")) continue;  // a trajectory without points stands still
    EXPECT_TRUE(std::isnan(entry.value) && std::isnan(entry.standard_error)) << entry.name;
  }
}

}  // namespace
}  // namespace orrery::statistics
