#include "orrery/sweep/perturb.hpp"

#include "orrery/archive/checkpoint.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/log.hpp"
#include "orrery/core/machine.hpp"
#include "orrery/model/llama.hpp"
#include "orrery/model/weights.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/run/done_blocks.hpp"
#include "orrery/run/identity.hpp"
#include "orrery/run/model_hash.hpp"
#include "orrery/run/model_input.hpp"
#include "orrery/run/part_progress.hpp"
#include "orrery/run/round_clock.hpp"
#include "orrery/run/stopwatch.hpp"
#include "orrery/schedule/forward_pass.hpp"
#include "orrery/sweep/sweep_plan.hpp"
#include "own_prompts.hpp"
#include "part_means.hpp"
#include "sweep_block.hpp"
#include "sweep_file.hpp"
#include "sweep_writer.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace orrery::sweep {
namespace {

using core::concat;

/// One sweep, or one part, from beginning to end; its members live through the phases.
class SweepRun {
 public:
  SweepRun(const Sweep& sweep, const std::string& command, const parallel::Communicator& ranks,
           core::ProgressSink& progress, run::Watchdog& watchdog)
      : sweep_(sweep),
        command_(command),
        ranks_(ranks),
        node_(ranks.split_by_node()),
        progress_(progress),
        watchdog_(watchdog),
        clock_(ranks, sweep.options.machine.checkpoint_seconds) {}

  void run() {
    prepare();
    try {
      take_output();
      compute();
      finish_sweep(ranks_, *file_, [&] { return last_attributes(); });
    } catch (const parallel::AgreedError& error) {
      throw file_->abandon(is_committed_, error);
    }
  }

 private:
  void prepare();
  void check_model_hash(bool wait);
  void take_output();
  std::vector<std::int64_t> blocks_to_do();
  void load();
  std::vector<std::vector<std::int64_t>> shares_of(const std::vector<std::int64_t>& left) const;
  void compute();
  void run_round(std::span<const std::int64_t> blocks, const SweepOnDevice& sweep,
                 core::ProgressSink& progress);
  void commit(const std::vector<run::DoneBlock>& done);
  void stop_if_asked();
  void write_checkpoint();
  std::uint64_t write_block(const std::vector<PromptResult>& results);
  std::uint64_t hash_of_block(std::int64_t block);
  std::vector<archive::Attribute> last_attributes();

  const Sweep& sweep_;
  const std::string& command_;
  const parallel::Communicator& ranks_;
  parallel::Communicator node_;
  core::ProgressSink& progress_;
  run::Watchdog& watchdog_;
  run::RoundClock clock_;
  run::Stopwatch watch_, whole_;

  run::Resources resources_;
  run::ModelInput model_;
  SweepPlan plan_;
  std::vector<std::int64_t> prompts_;  // places in the sweep of the file's prompts
  std::optional<run::ResultFile> file_;
  std::optional<model::Llama> llama_;
  std::optional<model::LlamaWeights> weights_;
  run::ModelHash model_hash_;       // on rank 0, taken while blocks run
  bool goes_on_ = false;            // with work that an earlier run left
  archive::Checkpoint checkpoint_;  // on rank 0
  bool is_committed_ = false;       // any block, on disk
  std::int64_t resumed_ = 0, peak_bytes_ = 0;
  double load_seconds_ = 0, sweep_seconds_ = 0;
};

/// Reads and checks everything small, and decides: all that can fail before the output is touched.
void SweepRun::prepare() {
  resources_ = run::find_resources(sweep_.options.machine, ranks_, node_);
  parallel::agree(ranks_, "reading the model's configuration", [&] {
    const std::int64_t seed = sweep_.trace.untrained ? sweep_.trace.seed : sweep_.options.seed;
    model_ = run::read_model(sweep_.options.model, sweep_.untrained() ? std::optional(seed) : std::nullopt);
    run::warn_of_unread(model_);
    require_model(sweep_, model_.config);
    if (ranks_.is_root()) require_tokenizer(sweep_.options.model, sweep_.trace);
  });
  const run::PlannedRanks planned = run::planned_ranks(resources_, ranks_, node_);
  parallel::agree(ranks_, "planning", [&] {
    plan_ = plan_sweep(sweep_, model_.config, planned);
    require_memory(plan_, planned);
    prompts_ = plan_.prompts();
    file_.emplace(ranks_, sweep_file_layout(
                              sweep_, prompts_,
                              sweep_attributes(sweep_, model_.config, resources_, command_, ranks_.size())));
  });
}

/// Throws where the model's files are not those of the trace, as soon as their hash is known.
void SweepRun::check_model_hash(bool wait) {
  if (!model_hash_.is_awaited() || (!wait && !model_hash_.is_ready())) return;
  const std::string hash = model_hash_.get();
  if (hash == sweep_.trace.model_sha256) return;
  throw core::bad_input("the model is not that of the trace",
                        concat(sweep_.options.model.string(), ": SHA-256 ", hash, ", the trace's was ",
                               sweep_.trace.model_sha256),
                        "give --model the folder that the trace was made of");
}

void SweepRun::take_output() {
  const PerturbOptions& options = sweep_.options;
  goes_on_ =
      file_->take([&] { return archive::Output(options.out, options.existing, options.part); }, watchdog_);
  run::Identity identity = identity_of(sweep_);
  run::add_machine(identity, resources_);
  parallel::agree(ranks_, "the checkpoint", [&] {
    if (!ranks_.is_root()) return;
    const std::filesystem::path path = file_->output().checkpoint();
    if (goes_on_) {
      checkpoint_ = archive::read_checkpoint(path);
      run::require_same(checkpoint_.identity, identity, "the work in progress");
      file_->recover();
    } else {
      checkpoint_.identity = std::move(identity);
      archive::write_checkpoint(path, checkpoint_);
    }
  });
}

std::uint64_t SweepRun::hash_of_block(std::int64_t block) {
  std::uint64_t hash = 0;
  for (const core::Sample prompt : plan_.blocks[static_cast<std::size_t>(block)].tile.samples) {
    hash = hash * 31 + hash_of_prompt(file_->shared(), sweep_, place_of(sweep_, prompts_, prompt.value()),
                                      prompt.value());
  }
  return hash;
}

std::uint64_t SweepRun::write_block(const std::vector<PromptResult>& results) {
  std::uint64_t hash = 0;
  for (const PromptResult& result : results) {
    hash =
        hash * 31 + write_prompt(file_->shared(), sweep_, place_of(sweep_, prompts_, result.prompt), result);
  }
  return hash;
}

/// The chosen blocks that no earlier run committed.
std::vector<std::int64_t> SweepRun::blocks_to_do() {
  const std::vector<std::int64_t> done = run::sound_blocks(
      ranks_, checkpoint_, plan_.chosen, "block", [&](std::int64_t block) { return hash_of_block(block); });
  std::vector<std::int64_t> left;
  std::ranges::set_difference(plan_.chosen, done, std::back_inserter(left));
  resumed_ = std::ssize(done);
  if (resumed_ > 0) core::log_info(concat(resumed_, " of ", plan_.chosen.size(), " blocks are done already"));
  return left;
}

/// Reads the weights, and begins to take the hash of the model's files.
void SweepRun::load() {
  const PerturbOptions& options = sweep_.options;
  llama_.emplace(model_.config, *options.dtype, *options.residual, model::Measured::last_token,
                 resources_.device);
  const bool all = plan_.order == schedule::Order::tiles;
  const model::LlamaWeights::Placement placement{
      *options.dtype, llama_->norm_dtype(), resources_.device,
      all ? model::Residency::all_layers : model::Residency::one_layer, model::Head::logits};
  weights_.emplace(model_.config, model_.weights(), placement, ranks_, node_);
  // Not before the weights are read: the files are in the node's cache then.
  if (ranks_.is_root()) {
    // That of the trace's weights, also where the sweep's are random.
    model_hash_.begin([this](const std::stop_token& stop) {
      const std::filesystem::path& folder = sweep_.options.model;
      if (sweep_.trace.untrained == sweep_.untrained()) return run::hash_model(folder, model_, stop);
      return run::hash_model(folder, run::read_model(folder, std::nullopt), stop);
    });
  }
  load_seconds_ = watch_.lap();
}

/// The blocks of `left` that each rank does.
std::vector<std::vector<std::int64_t>> SweepRun::shares_of(const std::vector<std::int64_t>& left) const {
  std::vector<double> costs;
  for (const std::int64_t block : left) costs.push_back(plan_.costs[static_cast<std::size_t>(block)]);
  std::vector<std::vector<std::int64_t>> shares = schedule::deal(costs, ranks_.size());
  for (auto& share : shares) {
    for (std::int64_t& place : share) place = left[static_cast<std::size_t>(place)];
  }
  return shares;
}

void SweepRun::compute() {
  file_->open();
  const std::vector<std::int64_t> left = blocks_to_do();
  core::log_info(concat(prompts_.size(), " prompts in ", left.size(), " blocks, ", plan_.perturbations,
                        " perturbations, ", ranks_.size(), ranks_.size() == 1 ? " rank of " : " ranks of ",
                        resources_.at_once.threads,
                        resources_.at_once.threads == 1 ? " thread, " : " threads, ", resources_.device.str(),
                        ", ", model::name_of(*sweep_.options.dtype)));
  load();
  const SweepOnDevice sweep(
      sweep_,
      part_means(ranks_, sweep_, *llama_, *weights_, plan_.order, resources_.at_once.tiles, progress_),
      resources_.device);
  const auto shares = shares_of(left);
  std::int64_t most = 0;
  for (const auto& share : shares) most = std::max(most, std::ssize(share));
  const std::span<const std::int64_t> mine = shares[static_cast<std::size_t>(ranks_.rank())];
  const std::int64_t rounds = (most + plan_.round_blocks - 1) / plan_.round_blocks;
  std::int64_t rows = 0;
  for (const std::int64_t block : left) rows += plan_.blocks[static_cast<std::size_t>(block)].rows();
  progress_.begin({"sweep", std::ssize(left), "blocks", rows, "streams"});
  for (std::int64_t round = 0; round < rounds; ++round) {
    const auto place = [&](std::int64_t of_round) {
      return static_cast<std::size_t>(std::min(of_round * plan_.round_blocks, std::ssize(mine)));
    };
    run::PartProgress part(progress_, static_cast<double>(round) / static_cast<double>(rounds),
                           static_cast<double>(round + 1) / static_cast<double>(rounds));
    stop_if_asked();
    run_round(mine.subspan(place(round), place(round + 1) - place(round)), sweep, part);
    // Never before the model is known to be that of the trace: a later run takes for done what it names.
    if (clock_.checkpoint_is_due(/*may=*/!model_hash_.is_awaited())) write_checkpoint();
  }
  stop_if_asked();
  progress_.end();
  weights_->free();
  parallel::agree(ranks_, "checking the model", [&] { check_model_hash(/*wait=*/true); });
  write_checkpoint();
  peak_bytes_ = ranks_.max(core::peak_resident_bytes());
  sweep_seconds_ = watch_.lap();
}

void SweepRun::run_round(std::span<const std::int64_t> blocks, const SweepOnDevice& sweep,
                         core::ProgressSink& progress) {
  std::vector<double> costs;
  for (const std::int64_t block : blocks) costs.push_back(plan_.costs[static_cast<std::size_t>(block)]);
  std::vector<std::vector<PromptResult>> results(blocks.size());
  const auto block_at = [&](std::size_t i) -> const schedule::Block& {
    return plan_.blocks[static_cast<std::size_t>(blocks[i])];
  };
  schedule::ForwardPass(*llama_, *weights_, plan_.order, resources_.at_once.tiles)
      .run(
          ranks_, costs,
          [&](std::int64_t i) {
            const auto index = static_cast<std::size_t>(i);
            return std::make_unique<SweepBlock>(sweep, model_, *llama_, block_at(index), results[index]);
          },
          progress);
  std::vector<run::DoneBlock> done;
  parallel::agree(ranks_, "writing a round", [&] {
    check_model_hash(/*wait=*/false);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      done.push_back({blocks[i], write_block(results[i])});
      results[i].clear();
    }
  });
  commit(done);
}

/// Collective: rank 0 takes note of all ranks' blocks.
void SweepRun::commit(const std::vector<run::DoneBlock>& done) {
  for (const std::vector<run::DoneBlock>& of_rank : ranks_.gather_values(std::span(done))) {
    for (const run::DoneBlock& one : of_rank) checkpoint_.blocks[one.block] = one.hash;
  }
}

/// Collective: where a rank was asked to stop, commits what is done and ends.
void SweepRun::stop_if_asked() {
  if (!clock_.stops()) return;
  parallel::agree(ranks_, "checking the model", [&] { check_model_hash(/*wait=*/true); });
  write_checkpoint();
  const core::Error error = core::stopped(
      concat(checkpoint_.blocks.size(), " of ", plan_.chosen.size(), " blocks are done"), file_->work());
  throw parallel::AgreedError(error.code(), error.what());
}

/// Collective.
void SweepRun::write_checkpoint() {
  file_->shared().flush();
  parallel::agree(ranks_, "writing the checkpoint", [&] {
    if (!ranks_.is_root()) return;
    archive::write_checkpoint(file_->output().checkpoint(), checkpoint_);
    is_committed_ = !checkpoint_.blocks.empty();
  });
  clock_.restart();
}

/// On rank 0.
std::vector<archive::Attribute> SweepRun::last_attributes() {
  std::vector<archive::Attribute> all =
      sweep_attributes(sweep_, model_.config, resources_, command_, ranks_.size());
  const auto add = [&](const char* name, archive::AttributeValue value) {
    all.push_back({"/timing", name, std::move(value)});
  };
  add("load_seconds", load_seconds_);
  add("sweep_seconds", sweep_seconds_);
  add("write_seconds", watch_.lap());
  add("total_seconds", whole_.seconds());
  add("perturbations", plan_.perturbations);
  add("resumed_tiles", resumed_);
  add("peak_bytes", peak_bytes_);
  return all;
}

}  // namespace

bool is_there(const PerturbOptions& options) {
  return options.existing == archive::Existing::resume &&
         archive::finished_result(options.out, options.part).has_value();
}

void require_done(const Sweep& sweep) {
  const std::filesystem::path result = *archive::finished_result(sweep.options.out, sweep.options.part);
  run::require_same(identity_of_sweep(archive::Reader(result)), identity_of(sweep), result.string());
}

void run_perturb(const Sweep& sweep, const std::string& command, const parallel::Communicator& ranks,
                 core::ProgressSink& progress, run::Watchdog& watchdog) {
  SweepRun(sweep, command, ranks, progress, watchdog).run();
}

}  // namespace orrery::sweep
