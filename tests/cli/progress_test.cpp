#include "orrery/cli/progress.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

namespace orrery::cli {
namespace {

/// What a sink says on stderr of work that is half done a while after its beginning, and then ends.
std::string said_of(const std::string& word) {
  testing::internal::CaptureStderr();
  const auto progress = make_progress(word);
  progress->begin({"forward", 10, "tiles", 500, "tokens"});
  std::this_thread::sleep_for(std::chrono::milliseconds(220));
  progress->advance(0.5);
  progress->end();
  return testing::internal::GetCapturedStderr();
}

TEST(Progress, ABarSaysHowFarTheWorkIs) {
  const std::string said = said_of("bar");
  EXPECT_NE(said.find("\r[###############...............] forward 5 of 10 tiles, "), std::string::npos)
      << said;
  EXPECT_NE(said.find(" tokens/s, "), std::string::npos) << said;
  EXPECT_NE(said.find(" s left"), std::string::npos) << said;
  EXPECT_NE(said.find("\rforward 10 tiles in "), std::string::npos) << said;
  EXPECT_TRUE(said.ends_with("\n"));
}

TEST(Progress, NoneSaysNothing) {
  EXPECT_EQ(said_of("none"), "");
}

TEST(Progress, LinesAreFarApart) {
  const std::string said = said_of("lines");
  EXPECT_EQ(said.find("5 of 10"), std::string::npos) << said;
  EXPECT_NE(said.find("forward 10 tiles in "), std::string::npos) << said;
  EXPECT_EQ(said.find('\r'), std::string::npos) << said;
}

}  // namespace
}  // namespace orrery::cli
