#pragma once

#include "orrery/archive/output.hpp"
#include "orrery/core/state.hpp"
#include "orrery/parallel/communicator.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::run {

/// What the units of a pass add up to, beside what each of them writes to the file: it is saved with a
/// checkpoint, and restored by a run that goes on, on any number of ranks.
class Sums {
 public:
  virtual ~Sums() = default;
  /// Collective: brings them together, so that all ranks' `save_own` write each once.
  virtual void gather() = 0;
  /// What all ranks know of the pass; asked of one.
  virtual void save_common(core::StateWriter& state) const = 0;
  /// What this rank has added up.
  virtual void save_own(core::StateWriter& state) = 0;
  /// Begins the pass that was saved, without any sums. Throws bad_input where they are not of this run, as
  /// the next one does.
  virtual void restore_common(core::StateReader& state) = 0;
  /// Adds what one rank had added up.
  virtual void add_saved(core::StateReader& state) = 0;
};

/// Collective: writes a pass's sums to files in the folder of work in progress (`output`, rank 0's), numbered
/// `number`, and returns their names: what all ranks know, then what each has of its own. They are on disk
/// when this returns.
std::vector<std::string> save_sums(const parallel::Communicator& ranks, const archive::Output* output,
                                   std::int64_t number, Sums& sums);

/// Collective: restores a pass from such files, `names` being rank 0's, whatever the number of ranks that
/// wrote them. Throws bad_input on all ranks where one is missing or damaged.
void restore_sums(const parallel::Communicator& ranks, const archive::Output* output,
                  const std::vector<std::string>& names, Sums& sums);

/// The number behind those of all files named.
std::int64_t next_number(const std::vector<std::vector<std::string>>& passes);

}  // namespace orrery::run
