#include "running_trace.hpp"

#include "orrery/schedule/cost.hpp"

#include <span>

namespace orrery::trace {

std::vector<std::int64_t> RunningTrace::share_of(const std::vector<std::int64_t>& tiles) const {
  return work.share_of(tiles, schedule::tile_costs(*input.model, input.measured, plan.tiles));
}

void RunningTrace::run_rounds(const std::string& name, const std::vector<std::int64_t>& tiles,
                              const RunRound& run_round) {
  const auto tokens_of = [&](std::int64_t tile) {
    std::int64_t tokens = 0;
    for (const core::Sample sample : plan.tiles[static_cast<std::size_t>(tile)].samples)
      tokens += input.run_lengths[static_cast<std::size_t>(sample.value())];
    return tokens;
  };
  std::int64_t tokens = 0;
  for (const std::int64_t tile : tiles) tokens += tokens_of(tile);
  const core::Phase phase{name, context.ranks.sum(std::ssize(tiles)), "tiles", context.ranks.sum(tokens),
                          "tokens"};
  work.run_rounds(phase, tiles,
                  {[&](std::span<const std::int64_t> left) {
                     return round_size(plan, left, input, options, context.resources.at_once.tiles);
                   },
                   [&](const std::vector<std::int64_t>& of_round, core::ProgressSink& progress) {
                     std::vector<run::DoneUnit> done = run_round(of_round, progress);
                     for (const run::DoneUnit& one : done) tokens_run += tokens_of(one.unit);
                     return done;
                   }});
}

}  // namespace orrery::trace
