#include "orrery/core/heartbeat.hpp"

#include <gtest/gtest.h>

namespace orrery::core {
namespace {

TEST(Heartbeat, GrowsWithWhateverIsDone) {
  const Heartbeat before = heartbeat();
  beat();
  EXPECT_EQ(heartbeat().beats, before.beats + 1);
  enter_phase("the forward pass");
  EXPECT_EQ(heartbeat().beats, before.beats + 2);
  EXPECT_EQ(heartbeat().phase, "the forward pass");
}

TEST(Heartbeat, WaitsAsLongAsAMarkLives) {
  EXPECT_FALSE(heartbeat().is_waiting);
  {
    const WaitMark outer;
    const std::int64_t beats = heartbeat().beats;
    {
      const WaitMark inner;
      EXPECT_TRUE(heartbeat().is_waiting);
    }
    EXPECT_TRUE(heartbeat().is_waiting);
    EXPECT_EQ(heartbeat().beats, beats + 2);
  }
  EXPECT_FALSE(heartbeat().is_waiting);
}

}  // namespace
}  // namespace orrery::core
