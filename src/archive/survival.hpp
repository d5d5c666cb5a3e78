#pragma once

#include <cstdint>
#include <functional>

namespace orrery::archive {

/// What a child process may use before it is ended.
struct Limits {
  unsigned seconds;    ///< of a core
  std::int64_t bytes;  ///< of memory written to, besides what its parent had
};

/// Runs `work` in a child process, and says whether the child outlived it: false where it crashed, or used
/// more than `limits`. What it changes in memory, prints or throws is lost.
bool survives(const std::function<void()>& work, const Limits& limits);

}  // namespace orrery::archive
