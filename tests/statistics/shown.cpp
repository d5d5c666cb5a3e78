#include "tests/statistics/shown.hpp"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <string>

namespace orrery::statistics::testing {
namespace {

SampleShard some_rows(const SampleShard& rows, std::int64_t first, std::int64_t count) {
  return {{rows.samples.begin() + first, rows.samples.begin() + first + count},
          rows.x.narrow(0, first, count)};
}

/// The samples 0 … count − 1 that this rank has.
SampleShard leading(const SampleShard& rows, std::int64_t count) {
  SampleShard pilot{{}, rows.x.narrow(0, 0, 0).clone()};
  for (std::int64_t row = 0; row < std::ssize(rows.samples); ++row) {
    if (rows.samples[row].value() >= count) continue;
    pilot.samples.push_back(rows.samples[row]);
    pilot.x = at::cat({pilot.x, rows.x.narrow(0, row, 1)});
  }
  return pilot;
}

}  // namespace

Shown show(const parallel::Communicator& ranks, const Data& data, const Showing& showing) {
  const SampleShard rows = deal(ranks, data, showing.dtype, showing.seed);
  StreamedStatistics streamed(ranks, data.extent, showing.options);
  streamed.add_pilot(leading(rows, showing.pilot));
  streamed.end_pilot();
  const auto each_round = [&](const auto& take) {
    const std::int64_t all = std::ssize(rows.samples);
    for (std::int64_t first = 0; first < std::max<std::int64_t>(all, 1); first += showing.round) {
      take(some_rows(rows, first, std::min(showing.round, all - first)));  // no rows where a rank has none
    }
  };
  while (streamed.wants_rows()) {
    each_round([&](const SampleShard& round) { streamed.add(round); });
    streamed.end_pass();
  }
  Shown shown;
  each_round([&](const SampleShard& round) {
    const at::Tensor score = streamed.add_scores(round);
    for (std::int64_t row = 0; row < score.size(0); ++row) {
      shown.score["score " + std::to_string(round.samples[row].value())] = as_doubles(score[row]);
    }
  });
  shown.passes = streamed.passes();
  shown.statistics = streamed.finish();
  return shown;
}

}  // namespace orrery::statistics::testing
