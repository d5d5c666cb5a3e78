#pragma once

#include "orrery/core/error.hpp"
#include "orrery/parallel/communicator.hpp"

#include <filesystem>
#include <functional>
#include <memory>

namespace orrery::run {

/// Ends a run in which no rank gets on any more, which would otherwise use its allocation up: a thread on
/// each rank that looks at the ranks' heartbeats, without any call of MPI. They pass through a file that all
/// see.
class Watchdog {
 public:
  /// Is given the reason, says it and ends the process; from the watchdog's thread.
  using End = std::function<void(const core::Error&)>;

  /// Not collective. Until `watch`, a rank looks at itself alone. `minutes`: without a beat of any rank; 0:
  /// never.
  Watchdog(const parallel::Communicator& ranks, double minutes, End end);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Collective: from now on rank 0 speaks for all, and names those that have not arrived where the others
  /// wait; another one where rank 0 itself is silent. `path` is rank 0's, of a file that is made anew. Throws
  /// AgreedError with io where that can't be.
  void watch(const std::filesystem::path& path);

 private:
  class Monitor;
  const parallel::Communicator& ranks_;
  std::unique_ptr<Monitor> monitor_;  ///< none where it is off
};

}  // namespace orrery::run
