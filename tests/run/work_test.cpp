#include "orrery/run/work.hpp"

#include "orrery/archive/checkpoint.hpp"
#include "orrery/verify/verify.hpp"
#include "tests/run/toy_command.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <variant>

namespace orrery::run {
namespace {

namespace fs = std::filesystem;
using core::ExitCode;
using parallel::Communicator;
using test::SharedFolder;
using test::ToyCommand;

class WorkTest : public testing::Test {
 protected:
  ToyCommand toy(archive::Existing existing = archive::Existing::refuse) const {
    return {ranks, folder.out(), existing};
  }
  ToyCommand resumed() const { return toy(archive::Existing::resume); }

  /// Runs it to the error that all ranks agree on.
  std::optional<parallel::AgreedError> error_of(ToyCommand& command) const {
    try {
      command.run();
    } catch (const parallel::AgreedError& error) {
      return error;
    }
    return std::nullopt;
  }
  void expect_error(ToyCommand& command, ExitCode code, const std::string& words) const {
    const auto error = error_of(command);
    ASSERT_TRUE(error.has_value()) << "nothing was thrown; expected: " << words;
    EXPECT_EQ(static_cast<int>(error->code()), static_cast<int>(code)) << error->what();
    EXPECT_NE(std::string(error->what()).find(words), std::string::npos) << error->what();
  }
  /// A run that fails on the last rank once two units of each rank were committed. Returns how many are.
  std::int64_t fail_once_committed(ToyCommand command) const {
    const int last = ranks.size() - 1;
    command.units = units();
    command.round = 1;
    command.at_round = [&](std::int64_t) {
      // The model's hash, without which nothing is committed, is taken in a thread of its own.
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (ranks.rank() == last && std::ssize(checkpoint().blocks) >= 2 * ranks.size())
        throw core::resource_error("toys are out", "none", "buy more");
    };
    expect_error(command, ExitCode::resources, "toys are out");
    std::int64_t committed = 0;
    if (ranks.is_root()) committed = std::ssize(checkpoint().blocks);
    ranks.broadcast(std::as_writable_bytes(std::span(&committed, 1)));
    EXPECT_GE(committed, 2 * ranks.size());
    EXPECT_LT(committed, units());
    return committed;
  }
  std::int64_t units() const { return 200 * ranks.size(); }
  ToyCommand going_on() const {
    ToyCommand command = resumed();
    command.units = units();
    command.round = 50;
    return command;
  }

  archive::Checkpoint checkpoint() const { return archive::read_checkpoint(folder.part() / "checkpoint"); }

  void expect_whole(std::int64_t units, std::int64_t resumed) const {
    ranks.barrier();
    EXPECT_TRUE(fs::exists(folder.out()));
    EXPECT_FALSE(fs::exists(folder.part())) << "work in progress was left behind";
    if (!ranks.is_root()) return;
    const archive::Reader file(folder.out(), archive::Incomplete::refuse, archive::Origin::own);
    const std::vector<double> squares = file.read_reals("/toy/square");
    ASSERT_EQ(std::ssize(squares), units);
    for (std::int64_t unit = 0; unit < units; ++unit)
      EXPECT_EQ(squares[static_cast<std::size_t>(unit)], static_cast<double>(unit * unit)) << unit;
    EXPECT_EQ(std::get<std::int64_t>(*file.attribute("/timing", "resumed_tiles")), resumed);
  }

  Communicator ranks = Communicator::world();
  SharedFolder folder{ranks};
};

TEST_F(WorkTest, DoesEachUnitOnceAndNamesTheFileAtItsEnd) {
  ToyCommand command = toy();
  command.run();
  expect_whole(command.units, 0);
  EXPECT_EQ(command.ran_by_all(), command.units);
  EXPECT_TRUE(command.found.empty());
  if (!ranks.is_root()) return;
  const archive::Reader file(folder.out(), archive::Incomplete::refuse, archive::Origin::own);
  EXPECT_EQ(file.text("command"), "orrery toy");
  EXPECT_EQ(file.text("config"), command.config);
  EXPECT_EQ(file.text("corpus_name"), "none");
  EXPECT_EQ(file.text("model_sha256"), command.model_hash);
  EXPECT_EQ(std::get<std::int64_t>(*file.attribute("/", "ranks")), ranks.size());
  for (const char* name : {"load_seconds", "toys_seconds", "write_seconds", "total_seconds"})
    EXPECT_TRUE(file.attribute("/timing", name).has_value()) << name;
}

// A command's files need no more than their format's name to be read and verified.
TEST_F(WorkTest, ItsFileIsReadAndVerified) {
  ToyCommand command = toy();
  command.run();
  if (!ranks.is_root()) return;
  const archive::Reader file(folder.out());
  EXPECT_EQ(file.format(), "orrery-toy");
  std::vector<std::string> failed;
  EXPECT_TRUE(verify::verify_file(file, [&](const verify::Check& check) {
    if (!check.passed) failed.push_back(check.subject + ": " + check.seen);
  })) << (failed.empty() ? "" : failed.front());
}

TEST_F(WorkTest, RanksTakePartInAsManyRoundsAsTheOneWithMostUnits) {
  ToyCommand command = toy();
  command.units = 2 * ranks.size() + 1;
  command.round = 1;
  command.run();
  EXPECT_EQ(command.rounds, 3);
  EXPECT_EQ(ranks.max(std::ssize(command.ran)), 3);
  EXPECT_EQ(ranks.min(std::ssize(command.ran)), ranks.size() == 1 ? 3 : 2);
}

TEST_F(WorkTest, WhatARoundLeavesIsDoneInTheNext) {
  ToyCommand command = toy();
  command.units = 4 * ranks.size();
  command.round = 4;
  command.cut_to = 1;
  command.run();
  EXPECT_EQ(command.rounds, 4);
  EXPECT_EQ(command.ran_by_all(), command.units);
  expect_whole(command.units, 0);
}

TEST_F(WorkTest, NothingStaysOfARunThatFailsBeforeAnythingIsCommitted) {
  ToyCommand command = toy();
  command.at_round = [&](std::int64_t) {
    if (ranks.rank() == ranks.size() - 1) throw core::bad_input("no toys", "none", "buy some");
  };
  expect_error(command, ExitCode::bad_input, "no toys");
  ranks.barrier();
  EXPECT_FALSE(fs::exists(folder.part()));
  EXPECT_FALSE(fs::exists(folder.out()));
}

TEST_F(WorkTest, GoesOnFromWhatWasCommitted) {
  const std::int64_t committed = fail_once_committed(toy());
  EXPECT_FALSE(fs::exists(folder.out()));
  ToyCommand again = going_on();
  again.run();
  EXPECT_EQ(std::ssize(again.found), committed);
  EXPECT_EQ(again.ran_by_all(), again.units - committed);
  expect_whole(again.units, committed);
}

TEST_F(WorkTest, AnErrorOfARunThatWentOnKeepsWhatItFound) {
  const std::int64_t committed = fail_once_committed(toy());
  ToyCommand again = going_on();
  again.at_round = [](std::int64_t) { throw core::bad_input("no toys", "none", "buy some"); };
  expect_error(again, ExitCode::bad_input, "no toys");
  ToyCommand last = going_on();
  last.run();
  expect_whole(last.units, committed);
}

TEST_F(WorkTest, AUnitThatIsNotInTheFileIsDoneAgain) {
  const std::int64_t committed = fail_once_committed(toy());
  ToyCommand again = going_on();
  again.lost = 0;
  again.run();
  EXPECT_EQ(std::ssize(again.found), committed - 1);
  EXPECT_FALSE(std::ranges::binary_search(again.found, 0));
  expect_whole(again.units, committed - 1);
}

TEST_F(WorkTest, NoCheckpointIsWrittenBeforeItIsDue) {
  ToyCommand command = toy();
  command.units = 8 * ranks.size();
  command.checkpoint_seconds = 3600;
  command.at_round = [](std::int64_t round) {
    if (round == 3) throw core::bad_input("no toys", "none", "buy some");
  };
  expect_error(command, ExitCode::bad_input, "no toys");
  ranks.barrier();
  EXPECT_FALSE(fs::exists(folder.part())) << "nothing was committed";
}

TEST_F(WorkTest, WorkOfOtherOptionsOrInputsIsNotGoneOnWith) {
  const std::int64_t committed = fail_once_committed(toy());
  ToyCommand seed = going_on();
  seed.config = "[toy]\nseed = 2\n";
  expect_error(seed, ExitCode::usage, "option [toy] seed: 1 in the work in progress, 2 now");
  ToyCommand input = going_on();
  input.input_hash = "ef";
  expect_error(input, ExitCode::bad_input, "input: corpus: ab in the work in progress, ef now");
  ToyCommand model = going_on();
  model.model_hash = "ef";
  expect_error(model, ExitCode::bad_input, "input: model: cd in the work in progress, ef now");
  ToyCommand same = going_on();
  same.run();
  expect_whole(same.units, committed);
}

TEST_F(WorkTest, NothingIsCommittedBeforeTheModelIsKnown) {
  std::promise<void> released;
  ToyCommand command = toy();
  command.units = 4 * ranks.size();
  command.round = 1;
  command.before_model_hash = [&] { released.get_future().wait(); };
  command.at_round = [&](std::int64_t round) {
    if (!ranks.is_root() || round < 3) return;
    EXPECT_TRUE(checkpoint().blocks.empty());
    released.set_value();
  };
  command.run();
  expect_whole(command.units, 0);
}

TEST_F(WorkTest, SumsAreRestoredWithTheUnitsThatWentIntoThem) {
  ToyCommand command = toy();
  command.sums = true;
  const std::int64_t committed = fail_once_committed(std::move(command));
  ToyCommand again = going_on();
  again.sums = true;
  again.run();
  std::int64_t expected = 0;
  for (std::int64_t unit = 0; unit < again.units; ++unit) expected += unit * unit;
  EXPECT_EQ(again.total, expected);
  EXPECT_EQ(again.ran_by_all(), again.units - committed);
  expect_whole(again.units, committed);
}

TEST_F(WorkTest, ASecondFileLastsAsLongAsTheWork) {
  ToyCommand command = toy();
  command.keeps_rows = true;
  const std::int64_t committed = fail_once_committed(std::move(command));
  ranks.barrier();
  if (ranks.is_root()) {
    EXPECT_TRUE(fs::exists(folder.part() / "rows.h5"));
  }
  ranks.barrier();
  ToyCommand again = going_on();
  again.keeps_rows = true;
  again.run();
  EXPECT_EQ(std::ssize(again.found), committed);
  ranks.barrier();
  EXPECT_TRUE(fs::exists(folder.out()));
  EXPECT_FALSE(fs::exists(folder.part()));
}

TEST_F(WorkTest, ALaterRunIsToldWhatTheFirstChose) {
  fail_once_committed(toy());
  ToyCommand again = going_on();
  again.group_choice = 5;
  again.run();
  EXPECT_EQ(again.chosen, 3);
}

}  // namespace
}  // namespace orrery::run
