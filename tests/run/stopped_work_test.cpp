// A process that was once asked to stop stays so: this can't stand beside other tests.
#include "orrery/archive/checkpoint.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/stop_flag.hpp"
#include "orrery/run/work.hpp"
#include "tests/run/toy_command.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

namespace orrery::run {
namespace {

TEST(StoppedWork, CommitsWhatIsDoneAndEndsOnAllRanks) {
  const parallel::Communicator ranks = parallel::Communicator::world();
  const test::SharedFolder folder(ranks);
  core::listen_for_stop();
  test::ToyCommand command{ranks, folder.out()};
  command.units = 8 * ranks.size();
  command.checkpoint_seconds = 3600;
  command.at_round = [&](std::int64_t round) {
    if (round == 1 && ranks.rank() == ranks.size() - 1) std::raise(SIGUSR1);
  };
  try {
    command.run();
    ADD_FAILURE() << "it was not stopped";
  } catch (const parallel::AgreedError& error) {
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(core::ExitCode::stopped));
    EXPECT_EQ(static_cast<int>(error.ending()), static_cast<int>(parallel::Ending::in_order));
    if (ranks.is_root()) {
      const std::string words =
          core::concat(4 * ranks.size(), " of ", command.units, " toys are done in ", folder.part().string());
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    }
  }
  EXPECT_EQ(command.rounds, 2);
  if (ranks.is_root()) {
    EXPECT_EQ(std::ssize(archive::read_checkpoint(folder.part() / "checkpoint").blocks), 4 * ranks.size());
    EXPECT_FALSE(std::filesystem::exists(folder.out()));
  }
}

}  // namespace
}  // namespace orrery::run
