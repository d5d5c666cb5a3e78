#include "tests/statistics/shown.hpp"

#include "tests/support/memory_state.hpp"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace orrery::statistics::testing {
namespace {

StreamingOptions options_of(const Data& data, const Showing& showing) {
  StreamingOptions options = showing.options;
  options.statistics.points = points_of(data.extent);
  return options;
}

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

/// What a pass was saved as: what all ranks know, and what this one had.
struct SavedPass {
  test::MemoryState pass;
  test::MemoryState sums;
  std::int64_t bytes = 0;  ///< of all ranks
};

SavedPass save(const parallel::Communicator& ranks, StreamedStatistics& streamed) {
  SavedPass saved;
  streamed.gather();
  streamed.save_pass(saved.pass);
  streamed.save_sums(saved.sums);
  std::int64_t bytes = saved.sums.bytes();
  ranks.sum(std::span(&bytes, 1));
  return {saved.pass, saved.sums.from_next(ranks), saved.pass.bytes() + bytes};
}

void restore(SavedPass saved, StreamedStatistics& streamed) {
  streamed.restore_pass(saved.pass);
  streamed.add_saved_sums(saved.sums);
  if (!saved.pass.is_read() || !saved.sums.is_read()) throw std::logic_error("more was saved than is loaded");
}

/// As another process would: through the passes that ended, and into the one on its way.
std::unique_ptr<StreamedStatistics> restarted(const parallel::Communicator& ranks, const Data& data,
                                              const Showing& showing, const std::vector<SavedPass>& ended,
                                              const SavedPass& now) {
  auto streamed = std::make_unique<StreamedStatistics>(ranks, data.extent, options_of(data, showing));
  for (const SavedPass& one : ended) {
    restore(one, *streamed);
    streamed->end_pass();
  }
  restore(now, *streamed);
  return streamed;
}

}  // namespace

Shown show(const parallel::Communicator& ranks, const Data& data, const Showing& showing) {
  const SampleShard rows = deal(ranks, data, showing.dtype, showing.seed);
  auto pass = std::make_unique<StreamedStatistics>(ranks, data.extent, options_of(data, showing));
  pass->add_pilot(leading(rows, showing.pilot));
  pass->end_pilot();
  std::vector<SavedPass> ended;
  Shown shown;
  const auto count = [&](const SavedPass& now) {
    std::int64_t bytes = 2 * now.bytes;  // the one before is there until this one is whole
    for (const SavedPass& one : ended) bytes += one.bytes;
    shown.saved_bytes = std::max(shown.saved_bytes, bytes);
  };
  const auto each_round = [&](const auto& take) {
    const std::int64_t all = std::ssize(rows.samples);
    const std::int64_t half = all / 2;
    const auto from_to = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t first = begin; first < std::max(end, begin + 1); first += showing.round) {
        take(some_rows(rows, first, std::min(showing.round, end - first)));  // no rows where a rank has none
      }
    };
    if (!showing.saved) return from_to(0, all);
    from_to(0, half);
    const SavedPass now = save(ranks, *pass);
    count(now);
    pass = restarted(ranks, data, showing, ended, now);
    from_to(half, all);
  };
  while (pass->wants_rows()) {
    each_round([&](const SampleShard& round) { pass->add(round); });
    const SavedPass whole = save(ranks, *pass);
    count(whole);
    if (!pass->end_pass()) ended.push_back(whole);
  }
  each_round([&](const SampleShard& round) {
    const at::Tensor score = pass->add_scores(round);
    for (std::int64_t row = 0; row < score.size(0); ++row) {
      shown.score["score " + std::to_string(round.samples[row].value())] = as_doubles(score[row]);
    }
  });
  shown.passes = pass->passes();
  shown.statistics = pass->finish();
  return shown;
}

}  // namespace orrery::statistics::testing
