#pragma once

#include "orrery/archive/checkpoint.hpp"
#include "orrery/archive/layout.hpp"
#include "orrery/archive/output.hpp"
#include "orrery/archive/shared_file.hpp"
#include "orrery/core/progress.hpp"
#include "orrery/run/context.hpp"
#include "orrery/run/identity.hpp"
#include "orrery/run/model_hash.hpp"
#include "orrery/run/result_file.hpp"
#include "orrery/run/saved_sums.hpp"
#include "orrery/run/stopwatch.hpp"
#include "orrery/run/timing.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace orrery::run {

/// What a run is to make, in units that are done one by one, in any order, on any rank.
struct Job {
  std::string unit = "unit";        ///< what messages call one; several are "units"
  std::vector<std::int64_t> units;  ///< their numbers, ascending
  archive::Layout layout;           ///< of the result, but for what the files of all runs say
  /// Of a second file, that lasts as long as the work (Output::rows): for what units leave and the result
  /// does not keep.
  std::optional<archive::Layout> rows_layout = {};
  std::string config;                            ///< the options in force, an INI text
  std::set<std::string> free_options = {};       ///< of those, the names that can't change a number
  std::vector<archive::Attribute> attributes;    ///< what is known of model and inputs before computing
  std::function<archive::Output()> make_output;  ///< asked on rank 0
  /// Inputs by their hashes (input_name), asked on rank 0. Where the model's is not among them, it is that of
  /// `Work::hash_model`.
  std::function<Identity()> inputs;
};

/// A unit that was done, with a hash of what it wrote.
struct DoneUnit {
  std::int64_t unit = 0;
  std::uint64_t hash = 0;
};

/// How a command does its units.
struct Rounds {
  /// How many of a rank's units that are left it does next, one at least: what is between two agreements of
  /// the ranks.
  std::function<std::int64_t(std::span<const std::int64_t> left)> size;
  /// Collective, also for a rank without units: does some, and writes what they leave. Returns those that it
  /// did: a round may be cut short (`Work::is_cut`).
  std::function<std::vector<DoneUnit>(const std::vector<std::int64_t>& units, core::ProgressSink& progress)>
      run;
};

/// The work of a run that may be stopped or killed at any moment, and gone on with by another one, on any
/// number of ranks: its files, its checkpoint, and which of its units are done. All but what says otherwise
/// is collective. A command fills in what its units are, and what they leave:
///
///     Work work(context, {"sweep"});
///     work.attempt([&] {
///       work.take(job);                               // the output, new or as an earlier run left it
///       work.open();
///       work.find_done(hash_of);
///       (read the model)
///       work.hash_model(take_hash);
///       work.run_rounds(phase, work.share_of(work.left(), costs), rounds);
///       (what follows from all units)
///       work.close();
///       work.publish(appendix);
///     });
///
/// Where units pass by more than once and are added up, `keep_sums` and `next_pass` stand around the rounds,
/// and `restore` before them.
class Work {
 public:
  /// `context` must outlive it. `phases` are what time is charged to between "load", which ends with
  /// `hash_model`, and "write", which ends with `publish`.
  Work(Context& context, const std::vector<std::string>& phases);

  /// Runs `body`. Where the ranks agree on an error, keeps what is worth going on with, drops the rest, and
  /// throws the error that the run ends with.
  void attempt(const std::function<void()>& body);

  /// Takes the output. New work is begun with a file of the job's layout; work that an earlier run left is
  /// gone on with. Throws as ResultFile::take and require_same do.
  void take(Job job);
  void open();
  /// What the run that began chose for `name`; `ours` where none did. A later run is told the same, once a
  /// checkpoint was written.
  std::int64_t choose(const std::string& name, std::int64_t ours);
  /// Rank 0 begins to take the hash of the model's files, beside other work; nothing is committed before it
  /// is known. Not before the weights are read: the files are in the node's cache then, and are not fetched
  /// twice at once. The run ends with an error where it is not the one in the job's identity, or
  /// `require` throws. Not collective.
  void hash_model(std::function<std::string(std::stop_token)> take,
                  std::function<void(const std::string& hash)> require = {});

  /// Finds the units that an earlier run committed and whose numbers are in the file as they were then: a
  /// machine that went down may have lost them. Of each other one it logs a warning. `hash_of` a unit is
  /// asked of some rank.
  void find_done(const std::function<std::uint64_t(std::int64_t)>& hash_of);
  /// Those, ascending: of the pass that is on its way. Not collective, as the next three.
  const std::vector<std::int64_t>& done() const { return done_; }
  /// All others.
  std::vector<std::int64_t> left() const;
  /// This rank's of some units: dealt by cost, so that all ranks come to an end together. `costs` are those
  /// of all units, by number.
  std::vector<std::int64_t> share_of(std::span<const std::int64_t> units,
                                     std::span<const double> costs) const;
  /// Whether a round should begin no further unit, since this rank was asked to stop or a checkpoint is due.
  bool is_cut() const;

  /// Does the units of each rank in rounds, as many as the rank with most of them needs; commits what a round
  /// did, writes a checkpoint when one is due, and one at the end. Where a rank was asked to stop, throws
  /// `stopped` behind a checkpoint.
  void run_rounds(const core::Phase& phase, std::vector<std::int64_t> mine, const Rounds& rounds);

  /// Passes over all units whose sums an earlier run saved, the one that was on its way counted. Not
  /// collective.
  std::int64_t saved_passes() const { return saved_passes_; }
  /// Whether find_done missed some unit that is in the saved sums all the same. Not collective.
  bool has_lost_units() const { return has_lost_units_; }
  /// Restores the sums of a saved pass.
  void restore(std::int64_t pass, Sums& sums);
  /// The last saved pass is of no use, and is gone through again. Not collective, as the next three.
  void drop_pass();
  /// Checkpoints hold these sums from now on; none where it is null. They must outlive the rounds.
  void keep_sums(Sums* sums) { sums_ = sums; }
  /// Another pass begins, in place of the last one where that `repeats`.
  void next_pass(bool repeats);

  ResultFile& file() { return *file_; }
  /// Where what Job::rows_layout describes is: the second file, or the result where there is none.
  archive::SharedFile& rows_file() { return rows_file_ ? *rows_file_ : file_->shared(); }
  Timing& timing() { return timing_; }
  /// On rank 0: what the run must share with one that goes on.
  const Identity& identity() const { return checkpoint_.identity; }

  /// Closes the files, and reads the result back.
  void close();
  /// Once all is written and closed. `appendix`, asked on rank 0, is added to what every run says of itself
  /// at its end: the job's attributes and `run_attributes`, as of this run, and /timing.
  void publish(const std::function<Appendix()>& appendix);
  /// On rank 0, after `close`: (ranks) the most memory that each had resident.
  const std::vector<std::int64_t>& peak_bytes() const { return peak_bytes_; }

 private:
  struct Next;
  std::vector<archive::Attribute> provenance() const;
  void begin_or_go_on();
  void make_rows_file();
  void check_model(bool wait);
  Next agree_on_next(std::int64_t left) const;
  void commit(const std::vector<DoneUnit>& done);
  void write_checkpoint();
  [[noreturn]] void stop();
  std::int64_t passes_ended() const { return saved_passes_ > 1 ? saved_passes_ - 1 : 0; }
  parallel::AgreedError abandon(const parallel::AgreedError& reason);

  Context& context_;
  const parallel::Communicator& ranks_;
  Timing timing_;
  Job job_;
  std::optional<ResultFile> file_;
  std::optional<archive::SharedFile> rows_file_;
  ModelHash model_hash_;                                   // on rank 0, taken while units are done
  std::function<void(const std::string&)> require_model_;  // on rank 0
  archive::Checkpoint checkpoint_;                         // on rank 0
  Stopwatch since_checkpoint_;
  Sums* sums_ = nullptr;
  std::vector<std::int64_t> done_;
  std::int64_t saved_passes_ = 0;
  bool has_lost_units_ = false;
  bool pass_is_saved_ = false;  // as the checkpoint's last one
  bool goes_on_ = false;        // with work that an earlier run left
  bool is_committed_ = false;   // any unit, on disk
  std::int64_t resumed_ = 0;
  std::vector<std::int64_t> peak_bytes_;
};

}  // namespace orrery::run
