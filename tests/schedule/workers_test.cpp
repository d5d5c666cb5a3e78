#include "orrery/schedule/workers.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace orrery::schedule {
namespace {

TEST(ParallelFor, CallsEachItemOnce) {
  for (const int threads : {0, 1, 2, 7}) {
    for (const std::int64_t count : {0, 1, 5, 1000}) {
      std::vector<std::atomic<int>> calls(count);
      parallel_for(count, threads, [&](std::int64_t item) { ++calls[item]; });
      for (const std::atomic<int>& call : calls) EXPECT_EQ(call, 1);
    }
  }
}

TEST(ParallelFor, WorksOnSoManyThreads) {
  std::atomic<int> waiting = 0;
  parallel_for(3, 3, [&](std::int64_t) {  // ends only when three threads are in it at once
    ++waiting;
    while (waiting < 3) std::this_thread::yield();
  });
  EXPECT_EQ(waiting, 3);
}

TEST(ParallelFor, PinsEachThreadToOneThread) {
  at::set_num_threads(2);
  std::vector<int> inside(8);
  parallel_for(8, 2, [&](std::int64_t item) { inside[item] = at::get_num_threads(); });
  EXPECT_EQ(inside, std::vector<int>(8, 1));
}

TEST(ParallelFor, RethrowsTheLowestFailureAndBeginsNoMore) {
  for (const int threads : {1, 2, 5}) {
    for (int repeat = 0; repeat < 50; ++repeat) {
      constexpr std::int64_t many = 1'000'000'000;  // more than could be done while one thread throws
      std::atomic<std::int64_t> begun = 0;
      try {
        parallel_for(many, threads, [&](std::int64_t item) {
          ++begun;
          if (item == 10 || item == 11 || item == 13) throw std::runtime_error(std::to_string(item));
        });
        ADD_FAILURE() << "no exception";
      } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "10");
      }
      EXPECT_LT(begun, many);
    }
  }
}

}  // namespace
}  // namespace orrery::schedule
