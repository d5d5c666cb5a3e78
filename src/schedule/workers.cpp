#include "orrery/schedule/workers.hpp"

#include "orrery/core/heartbeat.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace orrery::schedule {
namespace {

/// What the threads of one parallel_for share.
class Queue {
 public:
  Queue(std::int64_t count, const std::function<void(std::int64_t)>& work) : count_(count), work_(work) {}

  /// Takes items until none is left or one has failed. An item once taken is finished, and all below it were
  /// taken before: so the lowest failure is always seen.
  void drain() noexcept {
    at::set_num_threads(1);
    while (!failed_) {
      const std::int64_t item = next_++;
      if (item >= count_) return;
      try {
        work_(item);
        core::beat();
      } catch (...) {
        fail(item);
      }
    }
  }

  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void fail(std::int64_t item) noexcept {
    const std::lock_guard lock(mutex_);
    if (!failure_ || item < failed_item_) {
      failure_ = std::current_exception();
      failed_item_ = item;
    }
    failed_ = true;
  }

  const std::int64_t count_;
  const std::function<void(std::int64_t)>& work_;
  std::atomic<std::int64_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::exception_ptr failure_;
  std::int64_t failed_item_ = 0;
};

}  // namespace

void parallel_for(std::int64_t count, int threads, const std::function<void(std::int64_t)>& work) {
  Queue queue(count, work);
  {
    const std::int64_t helpers = std::min<std::int64_t>(threads, count) - 1;
    std::vector<std::jthread> crew;
    for (std::int64_t helper = 0; helper < helpers; ++helper) crew.emplace_back([&queue] { queue.drain(); });
    queue.drain();
  }  // joined here
  queue.rethrow();
}

}  // namespace orrery::schedule
