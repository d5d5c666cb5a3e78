#include "orrery/statistics/streamed_statistics.hpp"

#include "orrery/core/error.hpp"
#include "tests/statistics/streamed_agreement.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace orrery::statistics {
namespace {

using parallel::Communicator;
using testing::Data;
using testing::Showing;
using testing::Shown;

Shown expect_kept(const Data& data, const Showing& showing) {
  const Communicator ranks = Communicator::world();
  const Extent& extent = data.extent;
  SCOPED_TRACE(::testing::Message() << extent.samples << " rows, " << extent.points << " points, "
                                    << extent.units << " units");
  Shown shown = testing::show(ranks, data, showing);
  testing::expect_agreement(ranks, shown, data, showing);
  return shown;
}

StreamingOptions with_components(std::int64_t components) {
  StreamingOptions options = Showing{}.options;
  options.statistics.components = components;
  return options;
}

TEST(StreamedStatistics, AgreeWithKeptRows) {
  for (const Extent& extent :
       {Extent{40, 11, 30}, {25, 5, 70}, {12, 3, 9}, {3, 5, 20}, {2, 3, 17}, {1, 3, 5}}) {
    expect_kept(testing::walk(extent, 41), {.seed = 5});
    expect_kept(testing::noise(extent, 42), {.seed = 6, .dtype = at::kDouble});
  }
}

TEST(StreamedStatistics, FewComponentsAndUnits) {
  for (const std::int64_t components : {1, 2, 64}) {
    expect_kept(testing::walk({20, 3, 12}, 43), {.options = with_components(components), .seed = 5});
  }
  expect_kept(testing::noise({20, 3, 1}, 43), {.seed = 5});
  expect_kept(testing::noise({3, 3, 2}, 43), {.seed = 5});
}

// A score at point 0, 10⁶ from the pooled mean, is rounded by more than the scores vary there: quanta that
// are made for their spread alone would not hold it.
TEST(StreamedStatistics, ASpreadThatScoresCannotResolve) {
  Data data = testing::noise({20, 3, 1}, 43);
  for (double& x : data.x) x = 1e6 * (1 + x * x);
  for (const int shift : {0, 1, 2, 3}) {
    for (std::int64_t n = 0; n < 20; ++n) {
      data.at(n, 0, 0) = 0x1p-34 * (shift + 2 * 255.0 / 256 * static_cast<double>(n % 2));
    }
    expect_kept(data, {.seed = 5, .dtype = at::kDouble});
  }
}

/// Leaves point 0 a few rows, one of them in most samples, as last tokens do.
Data few_at_first(Data data, std::int64_t distinct) {
  for (std::int64_t n = 0; n < data.extent.samples; ++n) {
    const std::int64_t shown = n % 10 < 7 ? 0 : n % distinct;
    for (std::int64_t d = 0; d < data.extent.units; ++d) data.at(n, 0, d) = data.at(shown, 0, d);
  }
  return data;
}

TEST(StreamedStatistics, FewDistinctRows) {
  for (const Extent& extent : {Extent{40, 5, 30}, {25, 5, 70}, {12, 3, 9}, {3, 3, 20}, {300, 3, 16}}) {
    for (const std::int64_t distinct : {1, 2, 5}) {
      expect_kept(few_at_first(testing::walk(extent, 44), distinct), {.seed = 5});
    }
  }
}

// Two rows, one of them once, that differ in two units by an odd number of half quanta and in opposite ways:
// their dithers move both units the same way, and make an eigenvalue of 2⁻⁵⁰ N λ₁ where kept rows have none.
TEST(StreamedStatistics, WhatQuantaMakeOfARankIsNotCounted) {
  for (const Extent& extent : {Extent{50, 3, 20}, {30, 3, 40}}) {
    Data data = testing::noise(extent, 45);
    for (std::int64_t n = 0; n < extent.samples; ++n) {
      for (std::int64_t d = 0; d < extent.units; ++d) data.at(n, 0, d) = 0.5;
      data.at(n, 0, 0) = n == 3 ? 1 + 0x1p-23 : -1;
      data.at(n, 0, 1) = n == 3 ? -1 - 0x1p-23 : 1;
    }
    const Shown shown = expect_kept(data, {.seed = 5});
    if (!Communicator::world().is_root()) continue;
    EXPECT_EQ(shown.statistics.moments.points.spectrum[0].rank, 1);
  }
}

// All samples alike: no point varies, and the pooled components are those of P rows, or of none.
TEST(StreamedStatistics, EqualRows) {
  const Data walk = testing::walk({5, 7, 20}, 46);
  Data alike = walk;
  Data still = walk;
  for (std::int64_t n = 0; n < 5; ++n) {
    for (std::int64_t s = 0; s < 7; ++s) {
      for (std::int64_t d = 0; d < 20; ++d) {
        alike.at(n, s, d) = walk.at(0, s, d);
        still.at(n, s, d) = walk.at(0, 3, d) / 3;
      }
    }
  }
  const Shown of_points = expect_kept(alike, {.options = with_components(8), .seed = 5});
  EXPECT_EQ(of_points.statistics.moments.pooled.eigenvalue.gt(0).sum().item<std::int64_t>(), 6);
  const Shown of_none = expect_kept(still, {.seed = 5, .dtype = at::kDouble});
  EXPECT_EQ(of_none.statistics.moments.pooled.eigenvalue.gt(0).sum().item<std::int64_t>(), 0);
}

TEST(StreamedStatistics, AValueFarBeyondThePilotTakesAnotherPass) {
  Data data = testing::walk({40, 5, 30}, 47);
  EXPECT_EQ(expect_kept(data, {.pilot = 20, .seed = 5}).passes, 1);
  data.at(33, 2, 17) = 4000;
  for (const std::int64_t groups : {1, 2}) {
    Showing showing{.pilot = 20, .seed = 5};
    showing.options.point_groups = groups;
    EXPECT_EQ(expect_kept(data, showing).passes, groups + 1);
  }
}

TEST(StreamedStatistics, EveryTokenLeavesOutWhatIsOfSingleRows) {
  Showing showing{.seed = 5};
  showing.options.every_token = true;
  for (const Extent& extent : {Extent{60, 5, 30}, {12, 3, 70}}) {
    expect_kept(testing::walk(extent, 48), showing);
    expect_kept(few_at_first(testing::walk(extent, 48), 3), showing);
  }
}

testing::Numbers numbers_of(const Communicator& ranks, const Shown& shown, const Data& data,
                            const Showing& showing) {
  StatisticsOptions options = showing.options.statistics;
  options.points = testing::points_of(data.extent);
  testing::Numbers numbers = testing::numbers_of(ranks, shown.statistics, data.extent, options);
  numbers.insert(shown.score.begin(), shown.score.end());
  return numbers;
}

TEST(StreamedStatistics, SameBitsForAnyRanksThreadsDealingRoundsAndGroups) {
  const Communicator ranks = Communicator::world();
  const Communicator alone = Communicator::self();
  for (const bool every_token : {false, true}) {
    Data data = testing::walk({45, 5, 140}, 49);
    if (every_token) data.at(40, 1, 3) = 1e5;  // with another pass
    Showing showing;
    showing.options.every_token = every_token;
    const testing::Numbers expected = numbers_of(alone, testing::show(alone, data, showing), data, showing);
    for (const std::int64_t groups : {1, 2, 5}) {
      for (const int threads : {1, 2}) {
        showing.options.point_groups = groups;
        showing.options.statistics.threads = threads;
        showing.seed = groups + 7 * threads;
        showing.round = threads == 1 ? 1000 : 4 + groups;
        showing.saved = threads == 2;
        const std::string here = std::to_string(groups) + " groups, threads " + std::to_string(threads);
        const testing::Shown shown = testing::show(ranks, data, showing);
        testing::expect_same_bits(ranks, numbers_of(ranks, shown, data, showing), expected, here);
        const std::int64_t most = StreamedStatistics::saved_bytes(data.extent, showing.options, ranks.size());
        EXPECT_LE(shown.saved_bytes, most) << here;
        EXPECT_GT(shown.saved_bytes, most / 2) << here;
      }
    }
  }
}

TEST(StreamedStatistics, BytesFallWithRanksAndGroupsAndDontGrowWithRows) {
  const auto bytes = [](std::int64_t samples, bool every_token, std::int64_t groups, int ranks) {
    return StreamedStatistics::bytes({samples, 65, 4096}, {{}, every_token, groups}, ranks, 500, 4);
  };
  const std::int64_t sums = 65 * GramSums::bytes(1, 4096);
  EXPECT_GT(bytes(1000, true, 1, 1), sums);
  EXPECT_LT(bytes(1000, true, 1, 1), sums + sums / 2);
  EXPECT_EQ(bytes(1000000, true, 1, 1), bytes(1000, true, 1, 1));
  EXPECT_LT(bytes(1000, true, 4, 1), bytes(1000, true, 1, 1) / 2);
  EXPECT_LT(bytes(1000, true, 4, 4), bytes(1000, true, 4, 1));
  EXPECT_GT(bytes(1000, false, 1, 1), bytes(1000, true, 1, 1));
}

TEST(StreamedStatistics, APassThatIsNotCompleteIsRefused) {
  const Communicator ranks = Communicator::world();
  const Data data = testing::walk({9, 3, 6}, 50);
  const SampleShard rows = testing::deal(ranks, data, at::kFloat, 0);
  Extent more = data.extent;
  more.samples = 10;
  StreamingOptions options = Showing{}.options;
  options.statistics.points = testing::points_of(more);
  StreamedStatistics streamed(ranks, more, options);
  streamed.add_pilot(rows);
  streamed.end_pilot();
  streamed.add(rows);
  EXPECT_THROW(streamed.end_pass(), core::Error);
}

}  // namespace
}  // namespace orrery::statistics
