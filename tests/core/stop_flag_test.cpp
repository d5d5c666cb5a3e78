#include "orrery/core/stop_flag.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace orrery::core {
namespace {

// Each in a process of its own: what a signal has set stays set.
TEST(StopFlagDeathTest, UserSignalIsARequest) {
  const auto child = [] {
    listen_for_stop();
    const bool before = stop_requested();
    std::raise(SIGUSR1);
    std::_Exit(!before && stop_requested() ? 0 : 1);
  };
  EXPECT_EXIT(child(), testing::ExitedWithCode(0), "");
}

TEST(StopFlagDeathTest, TermIsOneUnderSrunAlone) {
  const auto child = [](const char* tasks, const char* rank) {
    if (tasks != nullptr) ::setenv("SLURM_STEP_NUM_TASKS", tasks, 1);
    if (rank != nullptr) ::setenv("OMPI_COMM_WORLD_RANK", rank, 1);
    listen_for_stop();
    std::raise(SIGTERM);
    std::_Exit(stop_requested() ? 0 : 1);
  };
  ::unsetenv("SLURM_STEP_NUM_TASKS");
  ::unsetenv("OMPI_COMM_WORLD_RANK");
  EXPECT_EXIT(child("2", nullptr), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(child(nullptr, nullptr), testing::KilledBySignal(SIGTERM), "");
  // mpirun inside a job, whose ranks see the job's variables.
  EXPECT_EXIT(child("2", "0"), testing::KilledBySignal(SIGTERM), "");
}

TEST(StopFlag, NobodyAsked) {
  EXPECT_FALSE(stop_requested());
}

}  // namespace
}  // namespace orrery::core
