#include "orrery/trace/trace.hpp"

#include "orrery/archive/reader.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/log.hpp"
#include "orrery/core/machine.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/run/identity.hpp"
#include "orrery/run/part_progress.hpp"
#include "orrery/schedule/cost.hpp"
#include "orrery/schedule/tiles.hpp"
#include "row_store.hpp"
#include "trace_provenance.hpp"
#include "trace_run.hpp"
#include "trace_writer.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <optional>
#include <utility>

namespace orrery::trace {

using core::concat;

void TraceRun::run() {
  prepare();
  try {
    take_output();
    compute();
    write();
    work_.file().publish([&] { return final_metadata(); });
  } catch (const parallel::AgreedError& error) {
    throw work_.abandon(error);
  }
}

/// Reads and checks everything small, and decides: all that can fail before the output is touched.
void TraceRun::prepare() {
  parallel::agree(ranks_, "checking the options", [&] { options_.validate(); });
  resources_ = run::find_resources(options_.machine, ranks_, node_);
  if (!options_.dtype) {
    options_.dtype = resources_.device.is_cpu() ? model::DType::float32 : model::DType::bfloat16;
  }
  input_ = read_trace_input(options_, ranks_);
  core::log_info(concat("special tokens: ", text::described(input_.special)));
  planned_ = run::planned_ranks(resources_, ranks_, node_);
  parallel::agree(ranks_, "planning", [&] {
    plan_ = plan_trace(input_, options_, planned_);
    require_memory(plan_, planned_);
    all_tiles_.resize(plan_.tiles.size());
    std::iota(all_tiles_.begin(), all_tiles_.end(), std::int64_t{0});
  });
}

void TraceRun::take_output() {
  const std::int64_t groups =
      work_.take(options_, input_, resources_, plan_,
                 provenance(options_, input_, resources_, command_, ranks_.size()), watchdog_);
  if (groups != plan_.point_groups) {
    parallel::agree(ranks_, "planning", [&] {
      plan_ = plan_trace(input_, options_, planned_, groups);
      require_memory(plan_, planned_);
    });
  }
  core::log_info(concat(input_.samples(), " samples of ", input_.run_token_count(), " tokens in ",
                        plan_.tiles.size(), " tiles, ", ranks_.size(),
                        ranks_.size() == 1 ? " rank of " : " ranks of ", resources_.at_once.threads,
                        resources_.at_once.threads == 1 ? " thread, " : " threads, ", resources_.device.str(),
                        ", ", model::name_of(*options_.dtype)));
}

void TraceRun::compute() {
  work_.open();
  TraceForward forward(options_, input_, plan_, resources_, ranks_, node_);
  // Not before the weights are read: the files are in the node's cache then, and not fetched twice at once.
  work_.hash_model(options_.model, input_);
  load_seconds_ = watch_.lap();
  if (plan_.moments == Moments::rows) {
    keep_rows(forward);
  } else {
    stream_rows(forward);
  }
  tokens_run_ = ranks_.sum(tokens_run_);
}

/// This rank's of some tiles: all ranks' come to an end together.
std::vector<std::int64_t> TraceRun::share_of(const std::vector<std::int64_t>& tiles) const {
  std::vector<schedule::Tile> some;
  for (const std::int64_t tile : tiles) some.push_back(plan_.tiles[static_cast<std::size_t>(tile)]);
  const std::vector<double> costs = schedule::tile_costs(input_.config, input_.measured, some);
  std::vector<std::int64_t> share =
      schedule::deal(costs, ranks_.size())[static_cast<std::size_t>(ranks_.rank())];
  for (std::int64_t& place : share) place = tiles[static_cast<std::size_t>(place)];
  return share;
}

std::vector<std::int64_t> TraceRun::left_of(const std::vector<std::int64_t>& done) const {
  std::vector<std::int64_t> left;
  std::ranges::set_difference(all_tiles_, done, std::back_inserter(left));
  return left;
}

/// Collective: runs this rank's tiles in rounds, as many as the rank with most of them needs. `run_round`
/// gives back those of its tiles that ran.
void TraceRun::run_rounds(const std::string& name, std::vector<std::int64_t> left, const Round& run_round) {
  const auto tokens_of = [&](const std::vector<std::int64_t>& tiles) {
    std::int64_t tokens = 0;
    for (const std::int64_t tile : tiles) {
      for (const core::Sample sample : plan_.tiles[static_cast<std::size_t>(tile)].samples)
        tokens += input_.run_lengths[static_cast<std::size_t>(sample.value())];
    }
    return tokens;
  };
  progress_.begin({name, ranks_.sum(std::ssize(left)), "tiles", ranks_.sum(tokens_of(left)), "tokens"});
  const auto whole = static_cast<double>(std::max<std::size_t>(left.size(), 1));
  const auto share_done = [&](std::size_t still) { return 1 - static_cast<double>(still) / whole; };
  while (ranks_.max(std::ssize(left)) > 0) {
    work_.stop_if_asked(plan_.tiles.size());
    const auto size =
        static_cast<std::size_t>(round_size(plan_, left, input_, options_, resources_.at_once.tiles));
    const std::vector<std::int64_t> tiles(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(size));
    run::PartProgress part(progress_, share_done(left.size()), share_done(left.size() - size));
    const std::vector<run::DoneBlock> done = run_round(tiles, part);
    std::vector<std::int64_t> ran;
    for (const run::DoneBlock& one : done) {
      ran.push_back(one.block);
      std::erase(left, one.block);
    }
    tokens_run_ += tokens_of(ran);
    work_.commit(done);
    work_.checkpoint_if_due();
  }
  work_.stop_if_asked(plan_.tiles.size());
  progress_.end();
}

void TraceRun::keep_rows(TraceForward& forward) {
  const auto place_of = [&](const TileRows& rows, std::int64_t tile) {
    return std::ranges::find(rows.tiles, tile) - rows.tiles.begin();
  };
  const std::vector<std::int64_t> done = work_.sound_tiles(all_tiles_, [&](std::int64_t tile) {
    return hash_of_rows(work_.row_file(), make_room({tile}, plan_, input_, options_).shard);
  });
  resumed_ = std::ssize(done);
  const std::vector<std::int64_t> finished = share_of(done);
  const std::vector<std::int64_t> left = share_of(left_of(done));
  TileRows rows;
  parallel::agree(ranks_, "making room for the rows", [&] {
    std::vector<std::int64_t> mine = finished;
    mine.insert(mine.end(), left.begin(), left.end());
    rows = make_room(std::move(mine), plan_, input_, options_);
    for (std::size_t i = 0; i < finished.size(); ++i) {
      statistics::SampleShard one = rows.of(static_cast<std::int64_t>(i));
      read_rows(work_.row_file(), one);
    }
  });
  run_rounds("forward", left, [&](const std::vector<std::int64_t>& tiles, core::ProgressSink& progress) {
    std::vector<std::int64_t> which;
    for (const std::int64_t tile : tiles) which.push_back(place_of(rows, tile));
    const std::vector<std::int64_t> ran = forward.run(rows, which, progress, [&] { return is_cut(); });
    std::vector<run::DoneBlock> of_round;
    parallel::agree(ranks_, "writing rows", [&] {
      for (const std::int64_t i : ran) {
        of_round.push_back(
            {rows.tiles[static_cast<std::size_t>(i)], write_rows(work_.row_file(), rows.of(i))});
      }
    });
    return of_round;
  });
  work_.write_checkpoint();
  forward.free();
  rows_ = std::move(rows.shard);
  forward_seconds_ = watch_.lap();
  core::log_info("statistics");
  statistics_ = statistics::trace_statistics(ranks_, rows_, extent_of(input_),
                                             statistics_options(options_, resources_.at_once.threads));
  statistics_seconds_ = watch_.lap();
}

void TraceRun::write() {
  parallel::agree(ranks_, "writing the file", [&] {
    write_trace(work_.file().shared(), ranks_.is_root(), input_, options_, statistics_);
  });
  work_.close();
  write_seconds_ = watch_.lap();
  const std::int64_t peak = core::peak_resident_bytes();
  for (const auto& of_rank : ranks_.gather_values(std::span(&peak, 1)))
    peak_bytes_.push_back(of_rank.front());
}

std::vector<archive::Attribute> TraceRun::timing() const {
  const auto at = [](const char* name, archive::AttributeValue value) {
    return archive::Attribute{"/timing", name, std::move(value)};
  };
  const std::int64_t tokens = input_.run_token_count();
  return {at("load_seconds", load_seconds_),
          at("forward_seconds", forward_seconds_),
          at("statistics_seconds", statistics_seconds_),
          at("write_seconds", write_seconds_),
          at("total_seconds", whole_.seconds()),
          at("tokens", tokens),
          at("passes", passes_),
          at("resumed_tiles", resumed_),
          at("tokens_per_second",
             forward_seconds_ > 0 ? static_cast<double>(tokens_run_) / forward_seconds_ : 0)};
}

/// On rank 0: what is known only now. Of a run that went on, the provenance too is that of its end.
run::FinalMetadata TraceRun::final_metadata() {
  std::vector<archive::Attribute> attributes =
      provenance(options_, input_, resources_, command_, ranks_.size());
  for (archive::Attribute& one : timing()) attributes.push_back(std::move(one));
  for (archive::Attribute& one : work_.input_hashes()) attributes.push_back(std::move(one));
  if (options_.tokens == Tokens::all) {
    const statistics::RowSeries& straightness = statistics_.rows.of(statistics::row_straightness);
    attributes.push_back({"/geometry", "straightness_mean", straightness.mean.front()});
    attributes.push_back({"/geometry", "straightness_std", straightness.standard_deviation.front()});
  }
  for (const statistics::Headline::Entry& entry : statistics_.headline.entries) {
    attributes.push_back({"/headline", entry.name, entry.value});
    if (plan_.moments == Moments::streaming) continue;  // no standard errors: `not_computed` says so
    attributes.push_back({"/headline", entry.name + "_se", entry.standard_error});
  }
  archive::Layout peaks = work_.layout_by_rank();
  peaks.scales.front().length = std::ssize(peak_bytes_);
  peaks.datasets.front().values = peak_bytes_;
  return {std::move(attributes), std::move(peaks)};
}

bool is_there(const TraceOptions& options) {
  return options.existing == archive::Existing::resume &&
         archive::finished_result(options.out, {}).has_value();
}

void require_done(const TraceOptions& options) {
  run::Identity earlier = identity_of_trace(archive::Reader(options.out));
  run::Identity now = identity_of(options);
  // The default is the device's, and so not known yet.
  if (!options.dtype) earlier.erase(run::option_name("trace", "dtype"));
  for (const auto& [name, hash] : hashes_of_inputs(options)) now[run::input_name(name)] = hash;
  // A file of an earlier version does not say.
  if (const std::string name = run::input_name(run::special_tokens_input); earlier.contains(name)) {
    const text::LoadedTokenizer loaded = text::load_tokenizer(options.model);
    now[name] = text::described(text::special_tokens(options.model, loaded, options.bos));
  }
  run::require_same(earlier, now, options.out.string());
}

void run_trace(TraceOptions options, const std::string& command, const parallel::Communicator& ranks,
               core::ProgressSink& progress, run::Watchdog& watchdog) {
  TraceRun(std::move(options), command, ranks, progress, watchdog).run();
}

}  // namespace orrery::trace
