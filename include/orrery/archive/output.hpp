#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace orrery::archive {

/// What to do where the output, or work in progress on it, is there already.
enum class Existing { refuse, overwrite, resume };

/// The share of a run that one of several jobs does: part `number` (0 … count − 1) of `count`.
struct Part {
  static constexpr std::int64_t most = 1'000'000;  ///< parts of one run
  std::int64_t number = 0;
  std::int64_t count = 1;
};

/// The life of an output OUT: the folder OUT.part beside it, with a lock, the file in the making and its
/// checkpoint, until the file is renamed to its final name. Rank 0 alone has one; nothing here communicates.
///
/// Parts of one run have the folder in common, each with names and a lock of its own, and their finished
/// files stay in it until one run joins them. An undivided run, or parts of another count, can't be there at
/// the same time. A process may be killed at any moment: the next one finds all or nothing.
class Output {
 public:
  /// Makes and locks work in progress, before anything is computed. Throws usage_error where
  ///   * OUT is no regular file, or a name in OUT.part is not ours;
  ///   * another process holds the lock (a dead one's is taken over);
  ///   * OUT.part holds another kind of run: an undivided one, parts, or parts of another count;
  ///   * `refuse`, and OUT, result() or work in progress on it exists,
  /// and io_error where the folder of OUT is missing or can't be written.
  ///
  /// `overwrite` drops this run's, or this part's, work in progress; an old result() stays until `publish`.
  /// `resume` keeps it where it can go on. Work that was begun with `overwrite` goes on, too, where an old
  /// result() is there. No file goes that orrery did not put there.
  Output(std::filesystem::path out, Existing existing, std::optional<Part> part = {});

  /// The same for the run that joins finished parts. They may lie in OUT.part already, and go with `publish`
  /// alone. What an earlier join left is dropped: it has nothing to go on with. Throws usage_error where a
  /// part is at work.
  static Output for_join(std::filesystem::path out, Existing existing);

  const std::filesystem::path& out() const { return out_; }
  /// OUT.part
  const std::filesystem::path& folder() const { return folder_; }
  /// OUT.part/data.h5, OUT.part/3-of-8.data.h5 or OUT.part/join.data.h5: where the file is made.
  std::filesystem::path file() const { return own("data.h5"); }
  /// OUT.part/checkpoint, OUT.part/3-of-8.checkpoint
  std::filesystem::path checkpoint() const { return own("checkpoint"); }
  /// OUT.part/metadata, OUT.part/3-of-8.metadata: a copy of the file's own, while the last attributes are
  /// written.
  std::filesystem::path metadata() const { return own("metadata"); }
  /// OUT.part/rows.h5: rows that are kept while the run lasts, and not in the file.
  std::filesystem::path rows() const { return own("rows.h5"); }
  /// OUT.part/heartbeat: how the ranks get on.
  std::filesystem::path heartbeat() const { return own("heartbeat"); }
  /// OUT.part/state-12: sums that a checkpoint names. Each rank's own stand behind that name and "-RANK".
  std::filesystem::path state(std::int64_t number) const;
  /// Removes the files of sums but those whose names are among `kept`.
  void keep_states(const std::vector<std::string>& kept) const;
  /// Where `publish` puts the file: OUT, or OUT.part/3-of-8.h5.
  const std::filesystem::path& result() const { return result_; }

  /// With `resume`: whether result() is there already. It got its name when it was complete, but may be
  /// anybody's: who goes by it opens it with a Reader. Nothing is begun or locked then, and `reserve` and
  /// `publish` must not be called.
  bool is_done() const { return is_done_; }
  /// With `resume`: whether file and checkpoint of earlier work are there; otherwise nothing of it is left.
  bool goes_on() const { return goes_on_; }

  /// Sets aside disk blocks for a file of `bytes` bytes, and a little for attributes that come last. The file
  /// is there. Throws io_error naming the bytes needed and available; where the file system can't set aside,
  /// it compares with what is free, and logs a warning.
  void reserve(std::int64_t bytes) const;

  /// The same for rows(), which is there.
  void reserve_rows() const;
  /// Throws io_error where files of sums that take `bytes` in all, those that are there among them, would not
  /// fit beside what is set aside.
  void require_room_for_states(std::int64_t bytes) const;

  /// Brings the file to disk, renames it to result() and removes the rest of this work; a join removes the
  /// parts, too. The folder goes when it is empty. Throws io_error; usage_error where result() has come into
  /// being since, and the work was not begun with `overwrite` (it stays then).
  void publish();

  /// Removes this work, but no finished part, and the folder when it is empty: for a run that ends before
  /// anything is worth keeping.
  void discard();

  /// Gives the lock up and keeps the work, for a run that another one is to resume on whatever machine.
  void leave();

 private:
  Output(std::filesystem::path out, Existing existing, const std::string& prefix);
  /// OUT.part/NAME, with our prefix.
  std::filesystem::path own(const char* name) const;
  bool is_join() const;
  bool has_own_files() const;
  std::vector<std::string> own_names() const;
  std::vector<std::string> states() const;
  bool is_finished() const;
  void refuse_existing() const;
  void check_neighbours() const;
  void lock();
  void begin(Existing existing);
  void remove_folder() const;

  std::filesystem::path out_;
  std::filesystem::path folder_;
  std::string prefix_;  // of our names in the folder: "", "3-of-8." or "join."
  std::filesystem::path result_;
  bool replaces_ = false;  // an old result
  bool is_done_ = false;
  bool goes_on_ = false;
  bool is_locked_ = false;
};

/// Where an output, or a part of it, lies finished; nothing where it doesn't, or where work in progress is to
/// replace what lies there. Looks, and changes nothing.
std::optional<std::filesystem::path> finished_result(const std::filesystem::path& out,
                                                     std::optional<Part> part);
/// Whether a run that goes on finds the whole output, or the whole part, there already, and has nothing to
/// do.
bool is_done_already(Existing existing, const std::filesystem::path& out, std::optional<Part> part = {});

/// The parts of a run, all finished.
struct FinishedParts {
  std::int64_t count = 0;
  std::vector<std::filesystem::path> files;  ///< OUT.part/0-of-8.h5, …, by number; `count` of them
};

/// The parts that lie finished in OUT.part. Throws bad_input where there is none, where parts of different
/// counts lie there, or where some are missing or being made again, naming them.
FinishedParts finished_parts(const std::filesystem::path& out);

}  // namespace orrery::archive
