// The part of a trace in which rows pass by and are forgotten.
#include "orrery/core/concat.hpp"
#include "orrery/core/log.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/trace/trace.hpp"
#include "row_store.hpp"
#include "trace_run.hpp"

#include <numeric>

namespace orrery::trace {

using core::concat;

/// The tiles that fix the quanta. They are few, and not worth a checkpoint.
void TraceRun::run_pilot(TraceForward& forward, statistics::StreamedStatistics& streamed) {
  core::SilentProgress silent;
  for (const auto& tiles : plan_.pilots[static_cast<std::size_t>(ranks_.rank())]) {
    TileRows rows;
    parallel::agree(ranks_, "making room for the rows",
                    [&] { rows = make_room(tiles, plan_, input_, options_); });
    std::vector<std::int64_t> which(tiles.size());
    std::iota(which.begin(), which.end(), std::int64_t{0});
    forward.run(rows, which, silent);
    parallel::agree(ranks_, "the pilot", [&] { streamed.add_pilot(rows.shard); });
  }
  streamed.end_pilot();
}

/// Collective: goes through the passes that a checkpoint has, and begins the one that was on its way. Whether
/// there were any.
bool TraceRun::restore(statistics::StreamedStatistics& streamed) {
  const std::int64_t passes = work_.saved_passes();
  const bool scores = passes > plan_.point_groups;
  const std::int64_t components = file_extent(input_, options_, 1).pooled_components();
  const std::vector<std::int64_t> done = work_.sound_tiles(all_tiles_, [&](std::int64_t tile) {
    if (!scores || options_.tokens == Tokens::all) return std::uint64_t{0};
    return hash_of_scores(work_.file().shared(), make_room({tile}, plan_, input_, options_).shard.samples,
                          input_.config.points(), components);
  });
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    // Scores that are lost are in the pass's sums all the same: it begins anew.
    if (scores && pass + 1 == passes && std::ssize(done) < work_.saved_tiles()) {
      work_.drop_pass();
      resumed_ = pass * std::ssize(all_tiles_);
      return true;
    }
    work_.restore(pass, streamed);
    if (pass + 1 < passes) streamed.end_pass();
  }
  if (passes > 0) resumed_ = (passes - 1) * std::ssize(all_tiles_) + std::ssize(done);
  return passes > 0;
}

/// Rows pass by in rounds, in as many passes as the plan has, and in a last one for their scores.
void TraceRun::stream_rows(TraceForward& forward) {
  statistics::StreamedStatistics streamed(ranks_, extent_of(input_),
                                          {statistics_options(options_, resources_.at_once.threads),
                                           options_.tokens == Tokens::all, plan_.point_groups});
  if (!restore(streamed)) run_pilot(forward, streamed);
  work_.has_sums(&streamed);
  using Take = std::function<std::vector<std::uint64_t>(const TileRows&, const std::vector<std::int64_t>&)>;
  const auto pass = [&](const std::string& name, const Take& take) {
    const Round run_round = [&](const std::vector<std::int64_t>& tiles, core::ProgressSink& progress) {
      statistics_seconds_ += watch_.lap();
      TileRows rows;
      std::vector<std::int64_t> which(tiles.size());
      std::iota(which.begin(), which.end(), std::int64_t{0});
      parallel::agree(ranks_, "making room for the rows",
                      [&] { rows = make_room(tiles, plan_, input_, options_); });
      const std::vector<std::int64_t> ran = forward.run(rows, which, progress, [&] { return is_cut(); });
      forward_seconds_ += watch_.lap();
      std::vector<run::DoneBlock> done;
      parallel::agree(ranks_, "statistics of a round", [&] {
        const std::vector<std::uint64_t> hashes = take(rows, ran);
        for (std::size_t i = 0; i < ran.size(); ++i) {
          done.push_back({tiles[static_cast<std::size_t>(ran[i])], hashes[i]});
        }
      });
      return done;
    };
    run_rounds(name, share_of(left_of(work_.tiles_of_pass())), run_round);
  };
  while (streamed.wants_rows()) {
    pass(concat("forward, pass ", streamed.passes() + 1),
         [&](const TileRows& rows, const std::vector<std::int64_t>& ran) {
           streamed.add(rows.of(ran));
           return std::vector<std::uint64_t>(ran.size(), 0);
         });
    // Its sums are gone through again by whoever goes on from a later pass.
    work_.write_checkpoint();
    core::log_info("statistics");
    const bool repeats = streamed.end_pass();
    if (repeats)
      core::log_info("some values lie far beyond the pilot's: the pass is made again, with finer quanta");
    work_.next_pass(repeats);
  }
  pass("forward, scores", [&](const TileRows& rows, const std::vector<std::int64_t>& ran) {
    const statistics::SampleShard shard = rows.of(ran);
    const at::Tensor scores = streamed.add_scores(shard);
    std::vector<std::uint64_t> hashes;
    std::int64_t first = 0;
    for (const std::int64_t i : ran) {
      const std::vector<core::Sample> samples = rows.of(i).samples;
      const auto count = std::ssize(samples);
      const at::Tensor own = scores.narrow(0, first, count);
      hashes.push_back(options_.tokens == Tokens::all ? 0
                                                      : write_scores(work_.file().shared(), samples, own));
      first += count;
    }
    return hashes;
  });
  work_.write_checkpoint();
  work_.has_sums(nullptr);
  passes_ = streamed.passes() + 1;
  forward.free();
  statistics_ = streamed.finish();
  statistics_seconds_ += watch_.lap();
}

}  // namespace orrery::trace
