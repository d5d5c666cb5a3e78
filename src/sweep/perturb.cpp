#include "orrery/sweep/perturb.hpp"

#include "orrery/archive/reader.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/log.hpp"
#include "orrery/model/transformer.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/run/identity.hpp"
#include "orrery/run/model_input.hpp"
#include "orrery/run/work.hpp"
#include "orrery/schedule/forward_pass.hpp"
#include "orrery/sweep/sweep_input.hpp"
#include "orrery/sweep/sweep_plan.hpp"
#include "own_prompts.hpp"
#include "part_means.hpp"
#include "sweep_block.hpp"
#include "sweep_file.hpp"
#include "sweep_writer.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace orrery::sweep {
namespace {

using core::concat;

/// One sweep, or one part, from beginning to end; its members live through the phases.
class SweepRun {
 public:
  SweepRun(const Sweep& sweep, run::Context& context)
      : sweep_(sweep), context_(context), ranks_(context.ranks), work_(context, {"sweep"}) {}

  void run() {
    prepare();
    work_.attempt([&] {
      work_.take(std::move(job_));
      work_.open();
      compute();
      work_.close();
      write_summary(ranks_, work_.file());
      work_.publish([&] { return appendix(); });
    });
  }

 private:
  void prepare();
  run::Job job() const;
  void load();
  void require_model_of_trace(const std::string& hash) const;
  void compute();
  std::vector<run::DoneUnit> run_round(const std::vector<std::int64_t>& blocks, const SweepOnDevice& sweep,
                                       core::ProgressSink& progress);
  std::uint64_t write_block(const std::vector<PromptResult>& results);
  std::uint64_t hash_of_block(std::int64_t block);
  run::Appendix appendix() const;
  const schedule::Block& block_at(std::int64_t block) const {
    return plan_.blocks[static_cast<std::size_t>(block)];
  }

  const Sweep& sweep_;
  run::Context& context_;
  const parallel::Communicator& ranks_;
  run::ModelInput model_;
  SweepPlan plan_;
  std::vector<std::int64_t> prompts_;  // places in the sweep of the file's prompts
  run::Job job_;
  run::Work work_;
  std::unique_ptr<model::Transformer> transformer_;
};

/// Reads and checks everything small, and decides: all that can fail before the output is touched.
void SweepRun::prepare() {
  parallel::agree(ranks_, "reading the model's configuration", [&] {
    const std::int64_t seed = sweep_.trace.untrained ? sweep_.trace.seed : sweep_.options.seed;
    model_ = run::read_model(sweep_.options.model, sweep_.untrained() ? std::optional(seed) : std::nullopt);
    run::warn_of_unread(model_);
    require_model(sweep_, model_.shape());
    if (ranks_.is_root()) require_tokenizer(sweep_.options.model, sweep_.trace);
  });
  const run::PlannedRanks planned = run::planned_ranks(context_.resources, ranks_, context_.node);
  parallel::agree(ranks_, "planning", [&] {
    plan_ = plan_sweep(sweep_, *model_.model, planned);
    require_memory(plan_, planned);
    prompts_ = plan_.prompts();
    job_ = job();
  });
}

run::Job SweepRun::job() const {
  run::Job job;
  job.unit = "block";
  job.units = plan_.chosen;
  job.layout = layout_of(sweep_, prompts_);
  job.config = to_ini(sweep_.options);
  job.free_options = free_options();
  job.attributes = input_attributes(sweep_, *model_.model);
  job.make_output = [this] {
    const PerturbOptions& options = sweep_.options;
    return archive::Output(options.out, options.existing, options.part);
  };
  job.inputs = [this] { return inputs_of(sweep_); };
  return job;
}

std::uint64_t SweepRun::hash_of_block(std::int64_t block) {
  std::uint64_t hash = 0;
  for (const core::Sample prompt : block_at(block).tile.samples) {
    hash = hash * 31 + hash_of_prompt(work_.file().shared(), sweep_,
                                      place_of(sweep_, prompts_, prompt.value()), prompt.value());
  }
  return hash;
}

std::uint64_t SweepRun::write_block(const std::vector<PromptResult>& results) {
  std::uint64_t hash = 0;
  for (const PromptResult& result : results) {
    hash = hash * 31 +
           write_prompt(work_.file().shared(), sweep_, place_of(sweep_, prompts_, result.prompt), result);
  }
  return hash;
}

/// Throws where the model's files are not those of the trace.
void SweepRun::require_model_of_trace(const std::string& hash) const {
  if (hash == sweep_.trace.model_sha256) return;
  throw core::bad_input("the model is not that of the trace",
                        concat(sweep_.options.model.string(), ": SHA-256 ", hash, ", the trace's was ",
                               sweep_.trace.model_sha256),
                        "give --model the folder that the trace was made of");
}

/// Reads the weights, and begins to take the hash of the model's files.
void SweepRun::load() {
  const PerturbOptions& options = sweep_.options;
  const bool all = plan_.order == schedule::Order::tiles;
  transformer_ = model_.model->load(model_.weights(),
                                    {{*options.dtype, *options.residual},
                                     model::Measured::last_token,
                                     context_.resources.device,
                                     all ? model::Residency::all_layers : model::Residency::one_layer,
                                     model::Head::logits},
                                    ranks_, context_.node);
  // That of the trace's weights, also where the sweep's are random.
  const auto take = [this](const std::stop_token& stop) {
    const std::filesystem::path& folder = sweep_.options.model;
    if (sweep_.trace.untrained == sweep_.untrained()) return run::hash_model(folder, model_, stop);
    return run::hash_model(folder, run::read_model(folder, std::nullopt), stop);
  };
  work_.hash_model(take, [this](const std::string& hash) { require_model_of_trace(hash); });
}

void SweepRun::compute() {
  work_.find_done([&](std::int64_t block) { return hash_of_block(block); });
  const std::vector<std::int64_t> left = work_.left();
  const run::Concurrency& at_once = context_.resources.at_once;
  core::log_info(concat(prompts_.size(), " prompts in ", left.size(), " blocks, ", plan_.perturbations,
                        " perturbations, ", ranks_.size(), ranks_.size() == 1 ? " rank of " : " ranks of ",
                        at_once.threads, at_once.threads == 1 ? " thread, " : " threads, ",
                        context_.resources.device.str(), ", ", model::name_of(*sweep_.options.dtype)));
  load();
  const SweepOnDevice sweep(sweep_, part_means(context_, sweep_, *transformer_, plan_.order),
                            context_.resources.device);
  std::int64_t rows = 0;
  for (const std::int64_t block : left) rows += block_at(block).rows();
  work_.run_rounds(
      {"sweep", std::ssize(left), "blocks", rows, "streams"}, work_.share_of(left, plan_.costs),
      {[&](std::span<const std::int64_t> mine) { return std::min(plan_.round_blocks, std::ssize(mine)); },
       [&](const std::vector<std::int64_t>& blocks, core::ProgressSink& progress) {
         return run_round(blocks, sweep, progress);
       }});
  transformer_->free();
  work_.timing().charge("sweep");
}

std::vector<run::DoneUnit> SweepRun::run_round(const std::vector<std::int64_t>& blocks,
                                               const SweepOnDevice& sweep, core::ProgressSink& progress) {
  std::vector<double> costs;
  for (const std::int64_t block : blocks) costs.push_back(plan_.costs[static_cast<std::size_t>(block)]);
  std::vector<std::vector<PromptResult>> results(blocks.size());
  schedule::ForwardPass(*transformer_, plan_.order, context_.resources.at_once.tiles)
      .run(
          ranks_, costs,
          [&](std::int64_t i) {
            const auto index = static_cast<std::size_t>(i);
            return std::make_unique<SweepBlock>(sweep, model_, *transformer_, block_at(blocks[index]),
                                                results[index]);
          },
          progress);
  std::vector<run::DoneUnit> done;
  parallel::agree(ranks_, "writing a round", [&] {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      done.push_back({blocks[i], write_block(results[i])});
      results[i].clear();
    }
  });
  return done;
}

/// On rank 0.
run::Appendix SweepRun::appendix() const {
  return {{{"/timing", "perturbations", plan_.perturbations},
           {"/timing", "peak_bytes", std::ranges::max(work_.peak_bytes())}},
          {}};
}

}  // namespace

void require_done(const Sweep& sweep) {
  const std::filesystem::path result = *archive::finished_result(sweep.options.out, sweep.options.part);
  run::require_same(identity_of_sweep(archive::Reader(result)), identity_of(sweep), result.string());
}

void run_perturb(const Sweep& sweep, run::Context& context) {
  SweepRun(sweep, context).run();
}

}  // namespace orrery::sweep
