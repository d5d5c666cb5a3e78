#include "streamed_rows.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/log.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/run/saved_sums.hpp"
#include "orrery/statistics/streamed_statistics.hpp"
#include "row_store.hpp"

#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

namespace orrery::trace {
namespace {

using core::concat;

class StreamedSums final : public run::Sums {
 public:
  explicit StreamedSums(statistics::StreamedStatistics& streamed) : streamed_(streamed) {}

  void gather() override { streamed_.gather(); }
  void save_common(core::StateWriter& state) const override { streamed_.save_pass(state); }
  void save_own(core::StateWriter& state) override { streamed_.save_sums(state); }
  void restore_common(core::StateReader& state) override { streamed_.restore_pass(state); }
  void add_saved(core::StateReader& state) override { streamed_.add_saved_sums(state); }

 private:
  statistics::StreamedStatistics& streamed_;
};

/// Room for the rows of a round, all ranks' at once.
TileRows room_for(const RunningTrace& trace, const std::vector<std::int64_t>& tiles) {
  TileRows rows;
  parallel::agree(trace.context.ranks, "making room for the rows",
                  [&] { rows = make_room(tiles, trace.plan, trace.input, trace.options); });
  return rows;
}

std::vector<std::int64_t> all_of(const std::vector<std::int64_t>& tiles) {
  std::vector<std::int64_t> which(tiles.size());
  std::iota(which.begin(), which.end(), std::int64_t{0});
  return which;
}

/// The tiles that fix the quanta. They are few, and not worth a checkpoint.
void run_pilot(RunningTrace& trace, statistics::StreamedStatistics& streamed) {
  core::SilentProgress silent;
  for (const auto& tiles : trace.plan.pilots[static_cast<std::size_t>(trace.context.ranks.rank())]) {
    TileRows rows = room_for(trace, tiles);
    trace.forward.run(rows, all_of(tiles), silent);
    parallel::agree(trace.context.ranks, "the pilot", [&] { streamed.add_pilot(rows.shard); });
  }
  streamed.end_pilot();
}

/// Collective: goes through the passes that a checkpoint has, and begins the one that was on its way. Whether
/// there were any.
bool restore(RunningTrace& trace, statistics::StreamedStatistics& streamed, StreamedSums& sums) {
  run::Work& work = trace.work;
  const std::int64_t passes = work.saved_passes();
  const bool scores = passes > trace.plan.point_groups;
  const std::int64_t components = file_extent(trace.input, trace.options, 1).pooled_components();
  work.find_done([&](std::int64_t tile) {
    if (!scores || trace.options.tokens == Tokens::all) return std::uint64_t{0};
    return hash_of_scores(work.file().shared(),
                          make_room({tile}, trace.plan, trace.input, trace.options).shard.samples,
                          trace.input.shape().points.size(), components);
  });
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    // Scores that are lost are in the pass's sums all the same: it begins anew.
    if (scores && pass + 1 == passes && work.has_lost_units()) {
      work.drop_pass();
      return true;
    }
    work.restore(pass, sums);
    if (pass + 1 < passes) streamed.end_pass();
  }
  return passes > 0;
}

/// What becomes of the rows of those tiles that ran: a hash of what each left in the file.
using Take = std::function<std::vector<std::uint64_t>(const TileRows&, const std::vector<std::int64_t>&)>;

/// Collective: shows the rows of all tiles that are left to `take`, in rounds.
void run_pass(RunningTrace& trace, const std::string& name, const Take& take) {
  run::Work& work = trace.work;
  trace.run_rounds(name, trace.share_of(work.left()),
                   [&](const std::vector<std::int64_t>& tiles, core::ProgressSink& progress) {
                     work.timing().charge("statistics");
                     TileRows rows = room_for(trace, tiles);
                     const std::vector<std::int64_t> ran =
                         trace.forward.run(rows, all_of(tiles), progress, [&] { return work.is_cut(); });
                     work.timing().charge("forward");
                     std::vector<run::DoneUnit> done;
                     parallel::agree(trace.context.ranks, "statistics of a round", [&] {
                       const std::vector<std::uint64_t> hashes = take(rows, ran);
                       for (std::size_t i = 0; i < ran.size(); ++i)
                         done.push_back({tiles[static_cast<std::size_t>(ran[i])], hashes[i]});
                     });
                     return done;
                   });
}

/// Writes the scores (m, P, k′) of those tiles that ran, one behind the other. Returns a hash of each tile's.
std::vector<std::uint64_t> write_scores_of(RunningTrace& trace, const TileRows& rows,
                                           const std::vector<std::int64_t>& ran, const at::Tensor& scores) {
  std::vector<std::uint64_t> hashes;
  std::int64_t first = 0;
  for (const std::int64_t i : ran) {
    const std::vector<core::Sample> samples = rows.of(i).samples;
    const auto count = std::ssize(samples);
    hashes.push_back(trace.options.tokens == Tokens::all
                         ? 0
                         : write_scores(trace.work.file().shared(), samples, scores.narrow(0, first, count)));
    first += count;
  }
  return hashes;
}

}  // namespace

statistics::TraceStatistics statistics_of_streamed_rows(RunningTrace& trace) {
  run::Work& work = trace.work;
  statistics::StreamedStatistics streamed(
      trace.context.ranks, extent_of(trace.input),
      streaming_options(trace.input, trace.options, trace.context.resources.at_once.threads,
                        trace.plan.point_groups));
  StreamedSums sums(streamed);
  if (!restore(trace, streamed, sums)) run_pilot(trace, streamed);
  work.keep_sums(&sums);
  while (streamed.wants_rows()) {
    // The checkpoint at its end stays: whoever goes on from a later pass ends this one again.
    run_pass(trace, concat("forward, pass ", streamed.passes() + 1),
             [&](const TileRows& rows, const std::vector<std::int64_t>& ran) {
               streamed.add(rows.of(ran));
               return std::vector<std::uint64_t>(ran.size(), 0);
             });
    core::log_info("statistics");
    const bool repeats = streamed.end_pass();
    if (repeats)
      core::log_info("some values lie far beyond the pilot's: the pass is made again, with finer quanta");
    work.next_pass(repeats);
  }
  run_pass(trace, "forward, scores", [&](const TileRows& rows, const std::vector<std::int64_t>& ran) {
    return write_scores_of(trace, rows, ran, streamed.add_scores(rows.of(ran)));
  });
  work.keep_sums(nullptr);
  trace.passes = streamed.passes() + 1;
  trace.forward.free();
  statistics::TraceStatistics statistics = streamed.finish();
  work.timing().charge("statistics");
  return statistics;
}

}  // namespace orrery::trace
