#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/archive/output.hpp"
#include "orrery/archive/shared_file.hpp"
#include "orrery/core/error.hpp"
#include "orrery/model/llama_config.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/study/resources.hpp"
#include "orrery/study/sweep.hpp"
#include "stopwatch.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace orrery::study {

/// The file of a sweep from its making to its final name, on all ranks.
class SweepFile {
 public:
  /// `prompts` are places in the sweep. All that is given must outlive it.
  SweepFile(const parallel::Communicator& ranks, const Sweep& sweep, const std::vector<std::int64_t>& prompts,
            std::vector<archive::Attribute> attributes);

  /// Collective: takes the output (made by `make` on rank 0), and where there is no work to go on with,
  /// builds the file and sets its room aside. Returns whether there is such work.
  bool take(const std::function<archive::Output()>& make);
  /// On rank 0, of work to go on with: undoes what a process wrote that was killed while it finished the
  /// file, and throws bad_input unless all that the file says of itself can be read.
  void recover() const;
  /// On rank 0.
  archive::Output& output() { return *output_; }
  const archive::Layout& layout() const { return layout_; }

  /// Collective.
  void open();
  archive::SharedFile& shared() { return *shared_; }

  /// Collective: closes the file, reads back what was written, adds the summary, `last` attributes (rank
  /// 0's), checksums and the mark of completeness, and gives the file its name.
  void finish(const std::function<std::vector<archive::Attribute>()>& last);

  /// What is done where the run can't go on: work worth keeping is left for `--resume`.
  void abandon(bool worth_keeping, core::ExitCode reason);

 private:
  void close_and_read_back();
  void write_summary();

  const parallel::Communicator& ranks_;
  archive::Layout layout_;
  std::optional<archive::Output> output_;
  std::optional<archive::SharedFile> shared_;
};

/// What every sweep file's root says of program, model and trace.
std::vector<archive::Attribute> sweep_attributes(const Sweep& sweep, const model::LlamaConfig& config,
                                                 const Resources& resources, const std::string& command,
                                                 std::int64_t ranks);

}  // namespace orrery::study
