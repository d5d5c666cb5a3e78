#pragma once

#include "orrery/core/stop_flag.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/run/stopwatch.hpp"

#include <cstdint>

namespace orrery::run {

/// What ranks agree on between two rounds of work.
class RoundClock {
 public:
  /// A checkpoint is due `seconds` after the last one. `ranks` must outlive it.
  RoundClock(const parallel::Communicator& ranks, double seconds) : ranks_(ranks), seconds_(seconds) {}

  /// Collective: whether any rank was asked to stop.
  bool stops() const { return ranks_.max(std::int64_t{core::stop_requested()}) != 0; }

  /// Collective: whether rank 0, if it `may`, finds that a checkpoint is due.
  bool checkpoint_is_due(bool may) const {
    return ranks_.max(std::int64_t{ranks_.is_root() && may && is_over()}) != 0;
  }
  /// Whether it is for this rank's own clock, so that a round may be cut short.
  bool is_over() const { return since_checkpoint_.seconds() >= seconds_; }
  /// A checkpoint was written.
  void restart() { since_checkpoint_ = Stopwatch(); }

 private:
  const parallel::Communicator& ranks_;
  double seconds_;
  Stopwatch since_checkpoint_;
};

}  // namespace orrery::run
