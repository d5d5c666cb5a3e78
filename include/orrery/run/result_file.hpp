#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/archive/output.hpp"
#include "orrery/archive/shared_file.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/run/watchdog.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace orrery::run {

/// What rank 0 adds to a file at its end.
struct Appendix {
  std::vector<archive::Attribute> attributes;
  std::optional<archive::Layout> datasets;  ///< whose shape was not known before
};

/// The file of a run from its making to its final name, on all ranks.
class ResultFile {
 public:
  /// `ranks` must outlive it.
  ResultFile(const parallel::Communicator& ranks, archive::Layout layout);

  /// Collective: takes the output (made by `make` on rank 0), and where there is no work to go on with,
  /// builds the file and sets its room aside. The watchdog's file lies beside it. Returns whether there is
  /// such work.
  bool take(const std::function<archive::Output()>& make, Watchdog& watchdog);
  /// On rank 0, of work to go on with: undoes what a process wrote that was killed while it finished the
  /// file, and throws bad_input unless all that the file says of itself can be read.
  void recover() const;
  /// On rank 0.
  archive::Output& output() { return *output_; }
  /// The folder of work in progress, for messages; empty elsewhere.
  std::string work() const { return output_ ? output_->folder().string() : ""; }
  const archive::Layout& layout() const { return layout_; }

  /// Collective.
  void open();
  archive::SharedFile& shared() { return *shared_; }

  /// Collective: closes the file, and reads back what was written since it was opened.
  void close_and_read_back();
  /// Collective, once it is closed: adds the appendix, asked for on rank 0, checksums and the mark of
  /// completeness, and gives the file its name.
  void publish(const std::function<Appendix()>& appendix);

  /// Collective: what is done where the run ends with an error. Work worth keeping, and what an earlier run
  /// left, stays for `--resume`. Returns the error that the run ends with now (SharedFile::give_up).
  [[nodiscard]] parallel::AgreedError abandon(bool worth_keeping, const parallel::AgreedError& reason);

 private:
  const parallel::Communicator& ranks_;
  archive::Layout layout_;
  std::optional<archive::Output> output_;
  std::optional<archive::SharedFile> shared_;
};

}  // namespace orrery::run
