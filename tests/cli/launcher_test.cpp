#include "orrery/cli/launcher.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <exception>
#include <stdexcept>

namespace orrery::cli {
namespace {

constexpr const char* variables[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"};

/// The environment without a launcher's variables.
class Launcher : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : variables) ::unsetenv(name);
  }
};

TEST_F(Launcher, NoneIsThere) {
  EXPECT_FALSE(has_launcher());
  EXPECT_TRUE(is_first_process());
  EXPECT_THROW(failure_of([] { throw std::runtime_error("alone"); }), std::runtime_error);
}

TEST_F(Launcher, TellsTheFirstProcessOfEachKind) {
  for (const char* name : variables) {
    SetUp();
    ::setenv(name, "0", 1);
    EXPECT_TRUE(has_launcher()) << name;
    EXPECT_TRUE(is_first_process()) << name;
    ::setenv(name, "10", 1);
    EXPECT_TRUE(has_launcher()) << name;
    EXPECT_FALSE(is_first_process()) << name;
  }
}

TEST_F(Launcher, FailuresAreKeptForTheOthers) {
  ::setenv("PMIX_RANK", "1", 1);
  EXPECT_EQ(failure_of([] {}), nullptr);
  const std::exception_ptr failure = failure_of([] { throw std::runtime_error("kept"); });
  ASSERT_NE(failure, nullptr);
  EXPECT_THROW(std::rethrow_exception(failure), std::runtime_error);
}

}  // namespace
}  // namespace orrery::cli
