#pragma once

#include <cstdint>
#include <functional>

namespace orrery::schedule {

/// Calls `work(0)` … `work(count − 1)`, each once, on `threads` threads of which the caller is one; returns
/// when all are done. Items are handed out in order, and which thread gets one must not matter to its result.
/// ATen is pinned to one thread in every thread that works, the caller's too and for good, so that a
/// product's bits don't depend on `threads`. `work` must not communicate. Where it throws, no further item is
/// begun and the exception of the lowest item that threw is rethrown, the same one for any number of threads.
void parallel_for(std::int64_t count, int threads, const std::function<void(std::int64_t)>& work);

}  // namespace orrery::schedule
