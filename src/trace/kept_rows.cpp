#include "kept_rows.hpp"

#include "orrery/core/log.hpp"
#include "orrery/parallel/agreement.hpp"
#include "row_store.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace orrery::trace {
namespace {

/// Collective: all rows of this rank's tiles.
TileRows run_tiles(RunningTrace& trace) {
  run::Work& work = trace.work;
  work.find_done([&](std::int64_t tile) {
    return hash_of_rows(work.rows_file(), make_room({tile}, trace.plan, trace.input, trace.options).shard);
  });
  const std::vector<std::int64_t> finished = trace.share_of(work.done());
  const std::vector<std::int64_t> left = trace.share_of(work.left());
  TileRows rows;
  parallel::agree(trace.context.ranks, "making room for the rows", [&] {
    std::vector<std::int64_t> mine = finished;
    mine.insert(mine.end(), left.begin(), left.end());
    rows = make_room(std::move(mine), trace.plan, trace.input, trace.options);
    for (std::size_t i = 0; i < finished.size(); ++i) {
      statistics::SampleShard one = rows.of(static_cast<std::int64_t>(i));
      read_rows(work.rows_file(), one);
    }
  });
  trace.run_rounds(
      "forward", left, [&](const std::vector<std::int64_t>& tiles, core::ProgressSink& progress) {
        std::vector<std::int64_t> which;
        for (const std::int64_t tile : tiles)
          which.push_back(std::ranges::find(rows.tiles, tile) - rows.tiles.begin());
        const std::vector<std::int64_t> ran =
            trace.forward.run(rows, which, progress, [&] { return work.is_cut(); });
        std::vector<run::DoneUnit> done;
        parallel::agree(trace.context.ranks, "writing rows", [&] {
          for (const std::int64_t i : ran) {
            done.push_back(
                {rows.tiles[static_cast<std::size_t>(i)], write_rows(work.rows_file(), rows.of(i))});
          }
        });
        return done;
      });
  return rows;
}

}  // namespace

statistics::TraceStatistics statistics_of_kept_rows(RunningTrace& trace) {
  const TileRows rows = run_tiles(trace);
  trace.forward.free();
  trace.work.timing().charge("forward");
  core::log_info("statistics");
  statistics::TraceStatistics statistics = statistics::trace_statistics(
      trace.context.ranks, rows.shard, extent_of(trace.input),
      statistics_options(trace.input, trace.options, trace.context.resources.at_once.threads));
  trace.work.timing().charge("statistics");
  return statistics;
}

}  // namespace orrery::trace
