#include "orrery/run/work.hpp"

#include "orrery/archive/file_builder.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/heartbeat.hpp"
#include "orrery/core/log.hpp"
#include "orrery/core/machine.hpp"
#include "orrery/core/stop_flag.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/run/provenance.hpp"
#include "orrery/schedule/tiles.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <utility>

namespace orrery::run {
namespace {

using core::concat;

constexpr const char* work_in_progress = "the work in progress";

/// Tells the sink of a phase how far it is, from how far a round is that takes it from `begin` to `end`,
/// shares of the whole.
class RoundProgress final : public core::ProgressSink {
 public:
  RoundProgress(core::ProgressSink& phase, double begin, double end)
      : phase_(phase), begin_(begin), end_(end) {}

  void begin(const core::Phase&) override {}
  void advance(double fraction) override { phase_.advance(begin_ + fraction * (end_ - begin_)); }
  void end() override {}

 private:
  core::ProgressSink& phase_;
  double begin_;
  double end_;
};

/// Names of the files of sums that a checkpoint has.
std::vector<std::string> state_names(const archive::Checkpoint& checkpoint) {
  std::vector<std::string> all;
  for (const auto& names : checkpoint.passes) all.insert(all.end(), names.begin(), names.end());
  return all;
}

}  // namespace

/// What ranks agree on between two rounds.
struct Work::Next {
  bool has_more = false;
  bool stops = false;
  bool writes_checkpoint = false;
};

Work::Work(Context& context, const std::vector<std::string>& phases)
    : context_(context), ranks_(context.ranks), timing_([&] {
        std::vector<std::string> names = {"load"};
        names.insert(names.end(), phases.begin(), phases.end());
        names.emplace_back("write");
        return names;
      }()) {}

void Work::attempt(const std::function<void()>& body) {
  try {
    body();
  } catch (const parallel::AgreedError& error) {
    throw abandon(error);
  }
}

parallel::AgreedError Work::abandon(const parallel::AgreedError& reason) {
  const parallel::AgreedError error = rows_file_ ? rows_file_->give_up(reason) : reason;
  return file_ ? file_->abandon(is_committed_, error) : error;
}

/// What is known before computing. Of a run that went on, the file has that of its end.
std::vector<archive::Attribute> Work::provenance() const {
  std::vector<archive::Attribute> all = run_attributes(job_.config, context_);
  all.insert(all.end(), job_.attributes.begin(), job_.attributes.end());
  return all;
}

void Work::take(Job job) {
  job_ = std::move(job);
  archive::Layout layout = std::move(job_.layout);
  for (archive::Attribute& one : provenance()) layout.attributes.push_back(std::move(one));
  for (const char* group : {"/timing", "/checksum"})
    if (!archive::groups_of(layout).contains(group)) layout.groups.emplace_back(group);
  file_.emplace(ranks_, std::move(layout));
  goes_on_ = file_->take(job_.make_output, context_.watchdog);
  parallel::agree(ranks_, "the checkpoint", [&] {
    if (!ranks_.is_root()) return;
    begin_or_go_on();
    if (job_.rows_layout) make_rows_file();
  });
  saved_passes_ = ranks_.max(std::ssize(checkpoint_.passes));
}

/// On rank 0.
void Work::begin_or_go_on() {
  archive::Output& output = file_->output();
  Identity identity = job_.inputs();
  add_options(identity, job_.config, job_.free_options);
  add_machine(identity, context_.resources);
  if (!goes_on_) {
    checkpoint_.identity = std::move(identity);
    return archive::write_checkpoint(output.checkpoint(), checkpoint_);
  }
  checkpoint_ = archive::read_checkpoint(output.checkpoint());
  Identity earlier = checkpoint_.identity;
  if (const std::string model = input_name("model"); !identity.contains(model)) earlier.erase(model);
  require_same(earlier, identity, work_in_progress);
  file_->recover();
  output.keep_states(state_names(checkpoint_));
}

/// On rank 0.
void Work::make_rows_file() {
  const std::filesystem::path path = file_->output().rows();
  if (goes_on_ && std::filesystem::exists(path)) return;
  archive::build_file(path, *job_.rows_layout);
  file_->output().reserve_rows();
}

void Work::open() {
  file_->open();
  if (!job_.rows_layout) return;
  const std::string path =
      ranks_.broadcast(ranks_.is_root() ? file_->output().rows().string() : std::string());
  rows_file_.emplace(ranks_, path, *job_.rows_layout);
}

std::int64_t Work::choose(const std::string& name, std::int64_t ours) {
  std::int64_t choice = checkpoint_.choices.emplace(name, ours).first->second;
  ranks_.broadcast(std::as_writable_bytes(std::span(&choice, 1)));
  return choice;
}

void Work::hash_model(std::function<std::string(std::stop_token)> take,
                      std::function<void(const std::string&)> require) {
  if (ranks_.is_root()) {
    require_model_ = std::move(require);
    model_hash_.begin(std::move(take));
  }
  timing_.charge("load");
}

/// On rank 0: takes the hash where it is known by now, and throws where the model is another.
void Work::check_model(bool wait) {
  if (!model_hash_.is_awaited() || (!wait && !model_hash_.is_ready())) return;
  const std::string name = input_name("model");
  const std::string hash = model_hash_.get();
  if (require_model_) require_model_(hash);
  const std::string expected = checkpoint_.identity.emplace(name, hash).first->second;
  require_same({{name, expected}}, {{name, hash}}, work_in_progress);
}

void Work::find_done(const std::function<std::uint64_t(std::int64_t)>& hash_of) {
  std::vector<DoneUnit> committed;
  for (const auto& [unit, hash] : checkpoint_.blocks) committed.push_back({unit, hash});
  committed.resize(static_cast<std::size_t>(ranks_.max(std::ssize(committed))));
  ranks_.broadcast(std::as_writable_bytes(std::span(committed)));
  std::vector<std::int64_t> sound(committed.size(), 0);
  parallel::agree(ranks_, "checking what is done", [&] {
    for (std::size_t i = static_cast<std::size_t>(ranks_.rank()); i < committed.size();
         i += static_cast<std::size_t>(ranks_.size())) {
      const auto [unit, hash] = committed[i];
      sound[i] = std::ranges::binary_search(job_.units, unit) && hash_of(unit) == hash ? 1 : 0;
      core::beat();
    }
  });
  ranks_.sum(std::span(sound));
  done_.clear();
  for (std::size_t i = 0; i < committed.size(); ++i) {
    const std::int64_t unit = committed[i].unit;
    if (sound[i] == 1) {
      done_.push_back(unit);
    } else if (ranks_.is_root()) {
      checkpoint_.blocks.erase(unit);
      core::log_warn(
          concat(job_.unit, " ", unit, " is not in the file as it was committed: it is done again"));
    }
  }
  has_lost_units_ = done_.size() < committed.size();
  resumed_ = passes_ended() * std::ssize(job_.units) + std::ssize(done_);
  if (!done_.empty())
    core::log_info(concat(done_.size(), " of ", job_.units.size(), " ", job_.unit, "s are done already"));
}

std::vector<std::int64_t> Work::left() const {
  std::vector<std::int64_t> left;
  std::ranges::set_difference(job_.units, done_, std::back_inserter(left));
  return left;
}

std::vector<std::int64_t> Work::share_of(std::span<const std::int64_t> units,
                                         std::span<const double> costs) const {
  std::vector<double> some;
  for (const std::int64_t unit : units) some.push_back(costs[static_cast<std::size_t>(unit)]);
  std::vector<std::int64_t> share =
      schedule::deal(some, ranks_.size())[static_cast<std::size_t>(ranks_.rank())];
  for (std::int64_t& place : share) place = units[static_cast<std::size_t>(place)];
  return share;
}

bool Work::is_cut() const {
  return core::stop_requested() || since_checkpoint_.seconds() >= context_.machine.checkpoint_seconds;
}

Work::Next Work::agree_on_next(std::int64_t left) const {
  // Never before the model is known to be the right one: a later run takes for done what a checkpoint names.
  const bool is_due = ranks_.is_root() && !model_hash_.is_awaited() &&
                      since_checkpoint_.seconds() >= context_.machine.checkpoint_seconds;
  std::array<std::int64_t, 3> all = {left, core::stop_requested() ? 1 : 0, is_due ? 1 : 0};
  ranks_.sum(std::span<std::int64_t>(all));
  return {all[0] > 0, all[1] > 0, all[2] > 0};
}

void Work::run_rounds(const core::Phase& phase, std::vector<std::int64_t> mine, const Rounds& rounds) {
  core::ProgressSink& progress = context_.progress;
  progress.begin(phase);
  const auto whole = static_cast<double>(std::max<std::size_t>(mine.size(), 1));
  const auto share_done = [&](std::size_t still) { return 1 - static_cast<double>(still) / whole; };
  for (bool is_first = true;; is_first = false) {
    const Next next = agree_on_next(std::ssize(mine));
    if (next.stops) stop();
    if (!next.has_more) break;
    if (next.writes_checkpoint && !is_first) write_checkpoint();
    const auto size = static_cast<std::size_t>(mine.empty() ? 0 : rounds.size(mine));
    const std::vector<std::int64_t> units(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(size));
    RoundProgress of_round(progress, share_done(mine.size()), share_done(mine.size() - size));
    const std::vector<DoneUnit> done = rounds.run(units, of_round);
    for (const DoneUnit& one : done) std::erase(mine, one.unit);
    commit(done);
    parallel::agree(ranks_, "checking the model", [&] { check_model(/*wait=*/false); });
  }
  progress.end();
  write_checkpoint();
}

/// Rank 0 takes note of what all ranks did.
void Work::commit(const std::vector<DoneUnit>& done) {
  for (const std::vector<DoneUnit>& of_rank : ranks_.gather_values(std::span(done))) {
    for (const DoneUnit& one : of_rank) checkpoint_.blocks[one.unit] = one.hash;
  }
}

void Work::write_checkpoint() {
  parallel::agree(ranks_, "checking the model", [&] { check_model(/*wait=*/true); });
  if (rows_file_) rows_file_->flush();
  file_->shared().flush();
  std::vector<std::string> names;
  if (sums_ != nullptr) {
    names = save_sums(ranks_, ranks_.is_root() ? &file_->output() : nullptr, next_number(checkpoint_.passes),
                      *sums_);
  }
  parallel::agree(ranks_, "writing the checkpoint", [&] {
    if (!ranks_.is_root()) return;
    if (sums_ != nullptr) {
      if (pass_is_saved_) checkpoint_.passes.pop_back();
      checkpoint_.passes.push_back(names);
    }
    archive::write_checkpoint(file_->output().checkpoint(), checkpoint_);
    file_->output().keep_states(state_names(checkpoint_));
    is_committed_ = !checkpoint_.blocks.empty() || !checkpoint_.passes.empty();
  });
  pass_is_saved_ = sums_ != nullptr;
  since_checkpoint_ = Stopwatch();
}

void Work::stop() {
  write_checkpoint();
  const std::size_t pass = std::max<std::size_t>(checkpoint_.passes.size(), 1);
  const core::Error error =
      core::stopped(concat(checkpoint_.blocks.size(), " of ", job_.units.size(), " ", job_.unit, "s are done",
                           pass > 1 ? concat(" of pass ", pass) : ""),
                    file_->work());
  throw parallel::AgreedError(error.code(), error.what());
}

void Work::restore(std::int64_t pass, Sums& sums) {
  restore_sums(
      ranks_, ranks_.is_root() ? &file_->output() : nullptr,
      ranks_.is_root() ? checkpoint_.passes[static_cast<std::size_t>(pass)] : std::vector<std::string>(),
      sums);
  pass_is_saved_ = true;
}

void Work::drop_pass() {
  if (ranks_.is_root()) checkpoint_.passes.pop_back();
  resumed_ -= std::ssize(done_);
  next_pass(/*repeats=*/false);
}

void Work::next_pass(bool repeats) {
  done_.clear();
  checkpoint_.blocks.clear();
  if (!repeats) pass_is_saved_ = false;
}

void Work::close() {
  if (rows_file_) {
    rows_file_->close();
    rows_file_.reset();
  }
  file_->close_and_read_back();
  const std::int64_t peak = core::peak_resident_bytes();
  for (const auto& of_rank : ranks_.gather_values(std::span(&peak, 1)))
    peak_bytes_.push_back(of_rank.front());
}

void Work::publish(const std::function<Appendix()>& appendix) {
  timing_.charge("write");
  file_->publish([&] {
    Appendix last = appendix();
    std::vector<archive::Attribute> all = provenance();
    for (archive::Attribute& one : timing_.attributes()) all.push_back(std::move(one));
    all.push_back({"/timing", "resumed_tiles", resumed_});
    for (archive::Attribute& one : last.attributes) all.push_back(std::move(one));
    return Appendix{std::move(all), std::move(last.datasets)};
  });
}

}  // namespace orrery::run
