#include "trace_work.hpp"

#include "orrery/archive/file_builder.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/log.hpp"
#include "orrery/core/sha256.hpp"
#include "orrery/parallel/agreement.hpp"
#include "row_store.hpp"
#include "saved_sums.hpp"
#include "trace_provenance.hpp"

#include <algorithm>
#include <utility>

namespace orrery::trace {

using core::concat;

std::int64_t TraceWork::take(const TraceOptions& options, const TraceInput& input,
                             const run::Resources& resources, const TracePlan& plan,
                             std::vector<archive::Attribute> attributes, run::Watchdog& watchdog) {
  archive::Layout layout = layout_of(input, options, /*ranks=*/1);
  // A run may go on with other ranks.
  by_rank_ = archive::split_off(layout, "/timing/peak_bytes");
  for (archive::Attribute& one : attributes) layout.attributes.push_back(std::move(one));
  file_.emplace(ranks_, std::move(layout));
  const bool keeps_rows = plan.moments == Moments::rows;
  if (keeps_rows && options.store == Store::none) rows_layout_ = rows_layout(input, options);
  goes_on_ = file_->take([&] { return archive::Output(options.out, options.existing); }, watchdog);
  std::int64_t counts[2] = {plan.point_groups, 0};
  parallel::agree(ranks_, "the checkpoint", [&] {
    if (!ranks_.is_root()) return;
    run::Identity identity = identity_of(options);
    run::add_machine(identity, resources);
    identity[run::input_name("tokenizer")] = core::sha256_of_file(options.model / input.tokenizer_file);
    identity[run::input_name("corpus")] = core::sha256_of_file(options.corpus);
    identity[run::input_name(run::special_tokens_input)] = text::described(input.special);
    begin_or_go_on(std::move(identity), plan.point_groups);
    if (rows_layout_) make_rows_file();
    if (!keeps_rows) {
      file_->output().require_room_for_states(statistics::StreamedStatistics::saved_bytes(
          extent_of(input),
          {statistics_options(options, resources.at_once.threads), options.tokens == Tokens::all,
           checkpoint_.point_groups},
          ranks_.size()));
    }
    counts[0] = checkpoint_.point_groups;
    counts[1] = std::ssize(checkpoint_.passes);
  });
  ranks_.broadcast(std::as_writable_bytes(std::span(counts)));
  saved_passes_ = counts[1];
  return counts[0];
}

/// On rank 0.
void TraceWork::make_rows_file() {
  const std::filesystem::path path = file_->output().rows();
  if (goes_on_ && std::filesystem::exists(path)) return;
  archive::build_file(path, *rows_layout_);
  file_->output().reserve_rows();
}

/// On rank 0.
void TraceWork::begin_or_go_on(run::Identity identity, std::int64_t point_groups) {
  archive::Output& output = file_->output();
  if (!goes_on_) {
    checkpoint_.identity = std::move(identity);
    checkpoint_.point_groups = point_groups;
    return archive::write_checkpoint(output.checkpoint(), checkpoint_);
  }
  checkpoint_ = archive::read_checkpoint(output.checkpoint());
  run::Identity earlier = checkpoint_.identity;
  earlier.erase(run::input_name("model"));  // ours is known later
  run::require_same(earlier, identity, "the work in progress");
  file_->recover();
  std::vector<std::string> kept;
  for (const auto& names : checkpoint_.passes) kept.insert(kept.end(), names.begin(), names.end());
  output.keep_states(kept);
}

void TraceWork::open() {
  file_->open();
  if (!rows_layout_) return;
  const std::string path =
      ranks_.broadcast(ranks_.is_root() ? file_->output().rows().string() : std::string());
  rows_file_.emplace(ranks_, path, *rows_layout_);
}

void TraceWork::hash_model(const std::filesystem::path& folder, const TraceInput& input) {
  if (!ranks_.is_root()) return;
  model_hash_.begin([&](const std::stop_token& stop) { return run::hash_model(folder, input, stop); });
}

/// On rank 0: takes the hash where it is known by now, and throws where the model has changed.
void TraceWork::check_model(bool wait) {
  if (!model_hash_.is_awaited() || (!wait && !model_hash_.is_ready())) return;
  const std::string name = run::input_name("model");
  const std::string hash = model_hash_.get();
  const auto earlier = checkpoint_.identity.find(name);
  if (earlier != checkpoint_.identity.end()) {
    run::require_same({{name, earlier->second}}, {{name, hash}}, "the work in progress");
  }
  checkpoint_.identity[name] = hash;
}

std::vector<std::int64_t> TraceWork::sound_tiles(std::span<const std::int64_t> all,
                                                 const std::function<std::uint64_t(std::int64_t)>& hash_of) {
  saved_tiles_ = ranks_.max(std::ssize(checkpoint_.blocks));
  done_ = run::sound_blocks(ranks_, checkpoint_, all, "tile", hash_of);
  if (!done_.empty()) core::log_info(concat(done_.size(), " of ", all.size(), " tiles are done already"));
  return done_;
}

void TraceWork::restore(std::int64_t pass, statistics::StreamedStatistics& streamed) {
  const archive::Output* output = ranks_.is_root() ? &file_->output() : nullptr;
  restore_sums(
      ranks_, output,
      ranks_.is_root() ? checkpoint_.passes[static_cast<std::size_t>(pass)] : std::vector<std::string>(),
      streamed);
  pass_is_saved_ = true;
}

void TraceWork::drop_pass() {
  if (ranks_.is_root()) checkpoint_.passes.pop_back();
  next_pass(/*repeats=*/false);
}

void TraceWork::next_pass(bool repeats) {
  done_.clear();
  checkpoint_.blocks.clear();
  if (!repeats) pass_is_saved_ = false;
}

void TraceWork::commit(const std::vector<run::DoneBlock>& done) {
  for (const std::vector<run::DoneBlock>& of_rank : ranks_.gather_values(std::span(done))) {
    for (const run::DoneBlock& one : of_rank) checkpoint_.blocks[one.block] = one.hash;
  }
}

void TraceWork::checkpoint_if_due() {
  parallel::agree(ranks_, "checking the model", [&] { check_model(/*wait=*/false); });
  if (clock_.checkpoint_is_due(/*may=*/!model_hash_.is_awaited())) write_checkpoint();
}

void TraceWork::write_checkpoint() {
  parallel::agree(ranks_, "checking the model", [&] { check_model(/*wait=*/true); });
  row_file().flush();
  if (rows_file_) file_->shared().flush();
  std::vector<std::string> names;
  if (streamed_ != nullptr) {
    names = save_sums(ranks_, ranks_.is_root() ? &file_->output() : nullptr, next_number(checkpoint_.passes),
                      *streamed_);
  }
  parallel::agree(ranks_, "writing the checkpoint", [&] {
    if (!ranks_.is_root()) return;
    if (streamed_ != nullptr) {
      if (pass_is_saved_) checkpoint_.passes.pop_back();
      checkpoint_.passes.push_back(names);
    }
    archive::write_checkpoint(file_->output().checkpoint(), checkpoint_);
    std::vector<std::string> kept;
    for (const auto& of_pass : checkpoint_.passes) kept.insert(kept.end(), of_pass.begin(), of_pass.end());
    file_->output().keep_states(kept);
    is_committed_ = !checkpoint_.blocks.empty() || !checkpoint_.passes.empty();
  });
  pass_is_saved_ = streamed_ != nullptr;
  clock_.restart();
}

void TraceWork::stop_if_asked(std::size_t tiles) {
  if (!clock_.stops()) return;
  write_checkpoint();
  const std::size_t pass = std::max<std::size_t>(checkpoint_.passes.size(), 1);
  const core::Error error = core::stopped(concat(checkpoint_.blocks.size(), " of ", tiles, " tiles are done",
                                                 pass > 1 ? concat(" of pass ", pass) : ""),
                                          file_->work());
  throw parallel::AgreedError(error.code(), error.what());
}

void TraceWork::close() {
  if (rows_file_) {
    rows_file_->close();
    rows_file_.reset();
  }
  file_->close_and_read_back();
}

std::vector<archive::Attribute> TraceWork::input_hashes() const {
  std::vector<archive::Attribute> attributes;
  for (const char* input : {"model", "tokenizer", "corpus"}) {
    attributes.push_back({"/", concat(input, "_sha256"), checkpoint_.identity.at(run::input_name(input))});
  }
  return attributes;
}

parallel::AgreedError TraceWork::abandon(const parallel::AgreedError& reason) {
  const parallel::AgreedError error = rows_file_ ? rows_file_->give_up(reason) : reason;
  return file_ ? file_->abandon(is_committed_, error) : error;
}

}  // namespace orrery::trace
