#pragma once

#include "orrery/archive/checkpoint.hpp"
#include "orrery/archive/shared_file.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/run/done_blocks.hpp"
#include "orrery/run/identity.hpp"
#include "orrery/run/model_hash.hpp"
#include "orrery/run/resources.hpp"
#include "orrery/run/result_file.hpp"
#include "orrery/run/round_clock.hpp"
#include "orrery/statistics/streamed_statistics.hpp"
#include "orrery/trace/plan.hpp"
#include "orrery/trace/trace_input.hpp"
#include "orrery/trace/trace_options.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace orrery::trace {

/// A trace's work in progress: its files, and which tiles are done and on disk. What is kept of a tile are
/// its rows, or the exact sums that it went into.
class TraceWork {
 public:
  TraceWork(const parallel::Communicator& ranks, const run::MachineOptions& options)
      : ranks_(ranks), clock_(ranks, options.checkpoint_seconds) {}

  /// Collective: takes the output, and looks at what an earlier run left. `attributes` are the file's.
  /// Returns the groups of points that the sums are for. Throws as ResultFile::take and require_same do.
  std::int64_t take(const TraceOptions& options, const TraceInput& input, const run::Resources& resources,
                    const TracePlan& plan, std::vector<archive::Attribute> attributes,
                    run::Watchdog& watchdog);
  /// Collective.
  void open();
  /// Rank 0 begins to take the hash of the model's files. Nothing is committed before it is known.
  void hash_model(const std::filesystem::path& folder, const TraceInput& input);

  run::ResultFile& file() { return *file_; }
  /// Where kept rows are.
  archive::SharedFile& row_file() { return rows_file_ ? *rows_file_ : file_->shared(); }
  const run::RoundClock& clock() const { return clock_; }

  /// Collective: which of `all` tiles an earlier run did in the pass that was on its way (sound_blocks).
  std::vector<std::int64_t> sound_tiles(std::span<const std::int64_t> all,
                                        const std::function<std::uint64_t(std::int64_t)>& hash_of);
  /// Those of the pass, as far as they were done when it began here.
  const std::vector<std::int64_t>& tiles_of_pass() const { return done_; }
  /// Passes whose sums an earlier run saved, and tiles that it had committed in the last one.
  std::int64_t saved_passes() const { return saved_passes_; }
  std::int64_t saved_tiles() const { return saved_tiles_; }
  /// Collective: the sums of one.
  void restore(std::int64_t pass, statistics::StreamedStatistics& streamed);
  /// The last of them is of no use.
  void drop_pass();

  /// Whose sums a checkpoint holds from now on; none where it is null.
  void has_sums(statistics::StreamedStatistics* streamed) { streamed_ = streamed; }
  /// Another pass begins, in place of the last one where that `repeats`.
  void next_pass(bool repeats);

  /// Collective: rank 0 takes note of what all ranks did.
  void commit(const std::vector<run::DoneBlock>& done);
  /// Collective, as all below.
  void checkpoint_if_due();
  void write_checkpoint();
  /// Where a rank was asked to stop, commits what is done and ends.
  void stop_if_asked(std::size_t tiles);

  /// Closes the files, and reads the result back.
  void close();
  /// What is known of each rank only at the end: `peak_bytes`, to be filled in.
  const archive::Layout& layout_by_rank() const { return by_rank_; }
  /// On rank 0: the attributes of what was read.
  std::vector<archive::Attribute> input_hashes() const;
  /// What is done where the run can't go on (ResultFile::abandon).
  [[nodiscard]] parallel::AgreedError abandon(const parallel::AgreedError& reason);

 private:
  void make_rows_file();
  void begin_or_go_on(run::Identity identity, std::int64_t point_groups);
  void check_model(bool wait);

  const parallel::Communicator& ranks_;
  run::RoundClock clock_;
  std::optional<run::ResultFile> file_;
  archive::Layout by_rank_;
  std::optional<archive::Layout> rows_layout_;  // where rows have a file of their own
  std::optional<archive::SharedFile> rows_file_;
  run::ModelHash model_hash_;       // on rank 0, taken while tiles run
  archive::Checkpoint checkpoint_;  // on rank 0
  statistics::StreamedStatistics* streamed_ = nullptr;
  std::vector<std::int64_t> done_;
  std::int64_t saved_passes_ = 0, saved_tiles_ = 0;
  bool pass_is_saved_ = false;  // as the checkpoint's last one
  bool goes_on_ = false;        // with work that an earlier run left
  bool is_committed_ = false;   // any tile, on disk
};

}  // namespace orrery::trace
