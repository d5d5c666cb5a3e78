#include "orrery/statistics/rotation.hpp"
#include "orrery/statistics/unit_statistics.hpp"
#include "tests/statistics/reference.hpp"
#include "tests/statistics/unit_reference.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;

// Angles of steps of about 1 in trajectories of a few: some hundred roundings.
constexpr double tolerance = 1e-11;
constexpr RotationOptions options{40, 17};

struct Trajectories {
  std::vector<std::int64_t> units;
  at::Tensor mean;
};

Trajectories trajectories(const Communicator& ranks, const Data& data) {
  const UnitStatistics units = unit_statistics(
      ranks, by_unit(ranks, testing::deal(ranks, data, at::kDouble, 4), data.extent), data.extent, 1);
  return {units.units, units.mean};
}

UnitTurns compute(const Communicator& ranks, const Data& data, int threads = 2) {
  const Trajectories units = trajectories(ranks, data);
  return unit_turns(ranks, units.units, units.mean, data.extent, testing::points_of(data.extent), options,
                    threads);
}

void expect_same(const std::vector<double>& one, const std::vector<double>& other) {
  EXPECT_TRUE(testing::same_bits(one, other));
}

using Draw =
    std::function<std::vector<double>(const std::vector<double>&, std::uint64_t, std::int64_t, std::int64_t)>;
const std::array<Draw, rotation_nulls> draws = {reference::permute_points, reference::permute_layers,
                                                reference::permute_steps, reference::draw_signs};

/// The numbers of one unit's null, counted once more.
void expect_null(const UnitTurns::Null& got, const Draw& draw, const std::vector<double>& a, std::int64_t d) {
  const double size = std::abs(reference::turns(a));
  double sum = 0, abs_sum = 0, squares = 0, more = 1, fewer = 1;
  std::vector<double> all;
  for (std::int64_t k = 0; k < options.permutations; ++k) {
    const double turned = reference::turns(draw(a, options.seed, d, k));
    all.push_back(turned);
    sum += turned;
    abs_sum += std::abs(turned);
    if (std::abs(turned) >= size - 1e-9) more += 1;
    if (std::abs(turned) <= size + 1e-9) fewer += 1;
  }
  const double count = static_cast<double>(all.size());
  for (const double each : all) squares += (each - sum / count) * (each - sum / count);
  EXPECT_NEAR(got.mean[d], sum / count, tolerance);
  EXPECT_NEAR(got.standard_deviation[d], std::sqrt(squares / (count - 1)), tolerance);
  EXPECT_NEAR(got.abs_mean[d], abs_sum / count, tolerance);
  EXPECT_EQ(got.p_more[d], more / (1 + count));
  EXPECT_EQ(got.p_fewer[d], fewer / (1 + count));
}

TEST(UnitTurns, AgreeWithThePlainFormulas) {
  const Communicator ranks = Communicator::world();
  for (const Extent& extent : {Extent{9, 37, 140}, {9, 11, 70}, {9, 9, 5}, {3, 3, 65}, {3, 71, 3}}) {
    const Data data = testing::walk(extent, 51);
    const UnitTurns got = compute(ranks, data);
    if (!ranks.is_root()) {
      EXPECT_TRUE(got.turns.empty() && got.local_turns.empty() && got.null[3].p_more.empty());
      continue;
    }
    std::vector<double> local(std::max<std::int64_t>(extent.points - 10, 0));
    for (std::int64_t d = 0; d < extent.units; ++d) {
      const std::vector<double> a = reference::mean_trajectory(data, d);
      EXPECT_NEAR(got.turns[d], reference::turns(a), tolerance);
      for (std::size_t null = 0; null < rotation_nulls; ++null)
        expect_null(got.null[null], draws[null], a, d);
      const std::vector<double> angles = reference::turning_angles(a);
      for (std::size_t run = 0; run < local.size(); ++run) {
        for (std::size_t i = run; i < run + 8; ++i)
          local[run] += angles[i] / (2 * std::numbers::pi) / static_cast<double>(extent.units);
      }
    }
    ASSERT_EQ(got.local_turns.size(), local.size());
    for (std::size_t run = 0; run < local.size(); ++run)
      EXPECT_NEAR(got.local_turns[run], local[run], tolerance);
  }
}

TEST(UnitTurns, SameBitsForAnyRanksAndThreads) {
  const Data data = testing::walk({9, 25, 300}, 52);
  const Communicator ranks = Communicator::world();
  const UnitTurns got = compute(ranks, data, 3);
  if (!ranks.is_root()) return;
  const UnitTurns alone = compute(Communicator::self(), data, 1);
  expect_same(got.turns, alone.turns);
  expect_same(got.local_turns, alone.local_turns);
  for (std::size_t null = 0; null < rotation_nulls; ++null) {
    expect_same(got.null[null].mean, alone.null[null].mean);
    expect_same(got.null[null].standard_deviation, alone.null[null].standard_deviation);
    expect_same(got.null[null].abs_mean, alone.null[null].abs_mean);
    expect_same(got.null[null].p_more, alone.null[null].p_more);
    expect_same(got.null[null].p_fewer, alone.null[null].p_fewer);
  }
}

TEST(UnitTurns, TiesCountInBothTails) {
  // The first unit stands still. The second goes by steps of 0.1 but for a large one: it turns by 0 but for
  // rounding, and so it does wherever the large one is, except near the ends, where it turns by more.
  Data data = testing::zeros({1, 13, 2});
  for (std::int64_t s = 0; s < 13; ++s) {
    data.at(0, s, 0) = 0.7;
    data.at(0, s, 1) = 0.1 * static_cast<double>(s) + (s < 6 ? 0 : 10);
  }
  const Communicator alone = Communicator::self();
  const UnitTurns got = compute(alone, data);
  EXPECT_EQ(got.turns[0], 0);
  for (const UnitTurns::Null& null : got.null) {
    EXPECT_EQ(null.mean[0], 0);
    EXPECT_EQ(null.standard_deviation[0], 0);
    EXPECT_EQ(null.p_more[0], 1);
    EXPECT_EQ(null.p_fewer[0], 1);
  }
  const UnitTurns::Null& steps = got.of(RotationNull::steps);
  EXPECT_EQ(steps.p_more[1], 1);
  EXPECT_GT(steps.p_fewer[1], 0.4);  // 7 of 11 places
  EXPECT_LT(steps.p_fewer[1], 1);
}

TEST(UnitTurns, FewDrawsAndFewPoints) {
  const Communicator alone = Communicator::self();
  const Data data = testing::noise({4, 13, 3}, 53);
  const Trajectories units = trajectories(alone, data);
  const UnitTurns one =
      unit_turns(alone, units.units, units.mean, data.extent, testing::points_of(data.extent), {1, 17}, 1);
  const UnitTurns none =
      unit_turns(alone, units.units, units.mean, data.extent, testing::points_of(data.extent), {0, 17}, 1);
  EXPECT_FALSE(std::isnan(one.null[0].mean[0]));
  EXPECT_TRUE(std::isnan(one.null[0].standard_deviation[0]));
  EXPECT_TRUE(std::isnan(none.null[0].mean[0]) && std::isnan(none.null[0].abs_mean[0]));
  EXPECT_EQ(none.null[0].p_more[0], 1);
  for (const std::int64_t points : {1, 3}) {  // S = 0 and 2
    const UnitTurns got = compute(alone, testing::noise({4, points, 3}, 54));
    EXPECT_EQ(got.turns, std::vector<double>(3, 0.0));
    EXPECT_TRUE(got.local_turns.empty());
    EXPECT_EQ(got.null[0].p_fewer, std::vector<double>(3, 1.0));
  }
}

TEST(MeanTurns, AreThoseOfUnitTurns) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::walk({9, 25, 140}, 55);
  const Trajectories units = trajectories(ranks, data);
  expect_same(mean_turns(ranks, units.units, units.mean, data.extent, 2), compute(ranks, data).turns);
}

void expect_near(const TurnSummary& got, const TurnSummary& expected) {
  EXPECT_NEAR(got.mean, expected.mean, tolerance);
  for (std::size_t null = 0; null < rotation_nulls; ++null) {
    EXPECT_NEAR(got.null[null].mean, expected.null[null].mean, tolerance);
    EXPECT_EQ(got.null[null].more, expected.null[null].more);
    EXPECT_EQ(got.null[null].fewer, expected.null[null].fewer);
    EXPECT_EQ(got.null[null].more_discovered, expected.null[null].more_discovered);
    EXPECT_EQ(got.null[null].fewer_discovered, expected.null[null].fewer_discovered);
  }
}

TEST(LeftOutTurns, AreThoseOfTheSamplesThatStay) {
  const Communicator ranks = Communicator::world();
  const RotationOptions many{310, 17};
  for (const Extent& extent : {Extent{23, 25, 130}, {4, 13, 3}, {2, 13, 3}}) {
    const Data data = testing::walk(extent, 56);
    const UnitShard shard = by_unit(ranks, testing::deal(ranks, data, at::kFloat, 4), extent);
    const std::vector<TurnSummary> got =
        left_out_turns(ranks, shard, extent, testing::points_of(extent), many, 2);
    if (!ranks.is_root()) {
      EXPECT_TRUE(got.empty());
      continue;
    }
    const std::int64_t blocks = extent.samples < 3 ? 0 : std::min<std::int64_t>(extent.samples, 10);
    ASSERT_EQ(std::ssize(got), blocks);
    const Communicator alone = Communicator::self();
    for (std::int64_t block = 0; block < blocks; ++block) {
      const Data rest = data.without(block * extent.samples / blocks, (block + 1) * extent.samples / blocks);
      const Trajectories units = trajectories(alone, rest);
      expect_near(got[block], summarise(unit_turns(alone, units.units, units.mean, rest.extent,
                                                   testing::points_of(rest.extent), {31, 17}, 1)));
    }
  }
}

TEST(SampleTurns, AgreeWithThePlainFormulas) {
  const Communicator ranks = Communicator::world();
  for (const Extent& extent : {Extent{9, 25, 140}, {2, 7, 3}, {1, 7, 3}}) {
    const Data data = testing::walk(extent, 57);
    for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
      const SampleShard rows = testing::deal(ranks, data, dtype, 4);
      const SampleTurns got = sample_turns(ranks, by_unit(ranks, rows, extent), extent, 2);
      const at::Tensor by_row = row_turns(rows.x, 2);
      for (std::size_t row = 0; row < rows.samples.size(); ++row) {
        for (std::int64_t d = 0; d < extent.units; ++d) {
          const double expected =
              reference::turns(reference::sample_trajectory(data, rows.samples[row].value(), d));
          EXPECT_NEAR(by_row.const_data_ptr<double>()[static_cast<std::int64_t>(row) * extent.units + d],
                      expected, tolerance);
        }
      }
      if (!ranks.is_root()) {
        EXPECT_TRUE(got.mean.empty());
        continue;
      }
      for (std::int64_t d = 0; d < extent.units; ++d) {
        double sum = 0, squares = 0;
        const double count = static_cast<double>(extent.samples);
        for (std::int64_t n = 0; n < extent.samples; ++n)
          sum += reference::turns(reference::sample_trajectory(data, n, d));
        for (std::int64_t n = 0; n < extent.samples; ++n)
          squares += std::pow(reference::turns(reference::sample_trajectory(data, n, d)) - sum / count, 2);
        EXPECT_NEAR(got.mean[d], sum / count, tolerance);
        if (extent.samples == 1) {
          EXPECT_TRUE(std::isnan(got.standard_deviation[d]));
        } else {
          EXPECT_NEAR(got.standard_deviation[d], std::sqrt(squares / (count - 1)), tolerance);
        }
      }
      const Communicator alone = Communicator::self();
      const SampleTurns again =
          sample_turns(alone, by_unit(alone, testing::deal(alone, data, dtype, 0), extent), extent, 1);
      expect_same(got.mean, again.mean);
      expect_same(got.standard_deviation, again.standard_deviation);
    }
  }
}

}  // namespace
}  // namespace orrery::statistics
