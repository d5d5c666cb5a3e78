#pragma once

#include <functional>

namespace orrery::archive {

/// Runs `work` in a child process, and says whether the child outlived it: false where it crashed, or took
/// longer than `seconds`. What it changes in memory, prints or throws is lost.
bool survives(const std::function<void()>& work, unsigned seconds);

}  // namespace orrery::archive
