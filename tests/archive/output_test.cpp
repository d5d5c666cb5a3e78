#include "orrery/archive/output.hpp"

#include "orrery/core/concat.hpp"
#include "src/archive/disk.hpp"
#include "src/archive/part_lock.hpp"
#include "tests/archive/expect_error.hpp"
#include "tests/archive/scratch_folder.hpp"
#include "tests/archive/work_in_progress.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace orrery::archive {
namespace {

namespace fs = std::filesystem;
using core::ExitCode;
using test::dead_pid;
using test::expect_error;
using test::put;
using test::put_lock;
using test::ScratchFolder;
using test::text_in;

TEST(Output, PublishesAndLeavesNothing) {
  const ScratchFolder folder;
  const fs::path out = folder / "run.h5";
  Output output(out, Existing::refuse);
  EXPECT_EQ(output.folder(), folder / "run.h5.part");
  EXPECT_TRUE(fs::exists(output.folder() / "lock"));
  put(output.file(), "numbers");
  EXPECT_FALSE(fs::exists(out));
  output.publish();
  EXPECT_EQ(text_in(out), "numbers");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1) << "only OUT remains";
}

TEST(Output, DiscardsEverything) {
  const ScratchFolder folder;
  Output output(folder / "run.h5", Existing::refuse);
  put(output.file(), "numbers");
  output.discard();
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Output, FilesOfSumsGoWhenNoCheckpointNamesThem) {
  const ScratchFolder folder;
  Output output(folder / "run.h5", Existing::refuse);
  EXPECT_EQ(output.state(12), output.folder() / "state-12");
  for (const char* name : {"state-3", "state-3-0", "state-3-1", "state-4", "state-4-0"})
    put(output.folder() / name, "sums");
  output.keep_states({"state-4", "state-4-0"});
  EXPECT_EQ(test::names_in(output.folder()), (std::set<std::string>{"lock", "state-4", "state-4-0"}));
  output.discard();
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Output, NamesThatLookLikeFilesOfSumsAreSomebodyElses) {
  for (const char* name : {"state-", "state-x", "state-1-", "state-1-2-3", "state-1x", "1-of-2.state"}) {
    const ScratchFolder folder;
    fs::create_directory(folder / "run.h5.part");
    put(folder / "run.h5.part" / name, "theirs");
    expect_error(ExitCode::usage, name, [&] { Output(folder / "run.h5", Existing::overwrite); });
    EXPECT_EQ(text_in(folder / "run.h5.part" / name), "theirs");
  }
}

TEST(Output, RefusesWhatExists) {
  const ScratchFolder folder;
  const fs::path out = folder / "run.h5";
  put(out, "old");
  expect_error(ExitCode::usage, "run.h5): give --overwrite", [&] { Output(out, Existing::refuse); });
  EXPECT_FALSE(fs::exists(folder / "run.h5.part"));
  fs::remove(out);
  put_lock(folder / "run.h5.part/lock", "", this_process().host, dead_pid());
  expect_error(ExitCode::usage, "run.h5.part): give --overwrite", [&] { Output(out, Existing::refuse); });
}

TEST(Output, KeepsTheOldOneUntilTheRename) {
  const ScratchFolder folder;
  const fs::path out = folder / "run.h5";
  put(out, "old");
  put_lock(folder / "run.h5.part/lock", "", this_process().host, dead_pid());
  put(folder / "run.h5.part" / "data.h5", "half");
  Output output(out, Existing::overwrite);
  EXPECT_FALSE(fs::exists(output.file())) << "what the dead run left is gone";
  put(output.file(), "new");
  EXPECT_EQ(text_in(out), "old");
  output.publish();
  EXPECT_EQ(text_in(out), "new");
  EXPECT_FALSE(fs::exists(output.folder()));
}

TEST(Output, DoesNotReplaceAnOutputThatCameSince) {
  const ScratchFolder folder;
  Output output(folder / "run.h5", Existing::refuse);
  put(output.file(), "ours");
  put(folder / "run.h5", "theirs");
  expect_error(ExitCode::usage, "data.h5", [&] { output.publish(); });
  EXPECT_EQ(text_in(folder / "run.h5"), "theirs");
  EXPECT_EQ(text_in(output.file()), "ours");
}

TEST(Output, RefusesPlacesThatCantHoldAFile) {
  const ScratchFolder folder;
  expect_error(ExitCode::usage, "is a folder", [&] { Output(folder.path(), Existing::overwrite); });
  expect_error(ExitCode::usage, "is a folder", [&] { Output(folder / "new/", Existing::overwrite); });
  expect_error(ExitCode::usage, "is a folder", [&] { Output("", Existing::overwrite); });
  expect_error(ExitCode::usage, "no regular file", [&] { Output("/dev/null", Existing::overwrite); });
  expect_error(ExitCode::io, "does not exist", [&] { Output(folder / "none/run.h5", Existing::refuse); });
  // Nobody may make folders in /proc, root included.
  expect_error(ExitCode::io, "can't be written", [&] { Output("/proc/run.h5", Existing::refuse); });
}

TEST(Output, TouchesNobodysFiles) {
  const ScratchFolder folder;
  fs::create_directory(folder / "run.h5.part");
  put(folder / "run.h5.part/thesis.tex", "years of work");
  expect_error(ExitCode::usage, "thesis.tex", [&] { Output(folder / "run.h5", Existing::overwrite); });
  EXPECT_EQ(text_in(folder / "run.h5.part/thesis.tex"), "years of work");
  EXPECT_FALSE(fs::exists(folder / "run.h5.part/lock"));
  put(folder / "other.h5.part", "a file");
  expect_error(ExitCode::usage, "other.h5.part", [&] { Output(folder / "other.h5", Existing::overwrite); });
  EXPECT_EQ(text_in(folder / "other.h5.part"), "a file");
}

TEST(Output, RespectsTheLockOfALiveRun) {
  const ScratchFolder folder;
  const Output first(folder / "run.h5", Existing::refuse);
  const std::string owner = core::concat("pid ", ::getpid());
  expect_error(ExitCode::usage, owner, [&] { Output(folder / "run.h5", Existing::overwrite); });
  expect_error(ExitCode::usage, owner, [&] { Output(folder / "run.h5", Existing::refuse); });
  EXPECT_TRUE(fs::exists(first.folder() / "lock"));
  const auto kept = read_lock(first.folder() / "lock");
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->pid, ::getpid());
}

TEST(PartLock, IsStaleWhereTheProcessIsDeadOrTheJobIsOurs) {
  LockOwner ours = this_process();
  EXPECT_GT(ours.started, 0);
  EXPECT_FALSE(is_stale(ours, ours));
  LockOwner theirs = ours;
  theirs.started += 1;
  EXPECT_TRUE(is_stale(theirs, ours)) << "the pid was given to another process since";
  theirs = ours;
  theirs.pid = dead_pid();
  EXPECT_TRUE(is_stale(theirs, ours));
  theirs = ours;
  theirs.host = "another-host";
  theirs.job = ours.job = "";
  EXPECT_FALSE(is_stale(theirs, ours)) << "no job is not the same job";
  theirs.job = "12";
  ours.job = "13";
  EXPECT_FALSE(is_stale(theirs, ours));
  ours.job = "12";
  EXPECT_TRUE(is_stale(theirs, ours));
}

TEST(PartLock, OfADeadProcessIsStaleThoughNobodyWaitedForIt) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  LockOwner theirs = this_process();
  theirs.pid = child;
  theirs.started = 0;
  EXPECT_TRUE(is_stale(theirs, this_process()));
  ::waitpid(child, nullptr, 0);
}

TEST(PartLock, IsHeldByAnotherHost) {
  const ScratchFolder folder;
  put_lock(folder / "run.h5.part/lock", "77", "another-host", 1);
  ::setenv("SLURM_JOB_ID", "78", 1);
  expect_error(ExitCode::usage, "job 77, another-host, pid 1",
               [&] { Output(folder / "run.h5", Existing::overwrite); });
  ::setenv("SLURM_JOB_ID", "77", 1);
  const Output output(folder / "run.h5", Existing::overwrite);
  ::unsetenv("SLURM_JOB_ID");
  EXPECT_EQ(read_lock(output.folder() / "lock")->job, "77");
  EXPECT_EQ(read_lock(output.folder() / "lock")->pid, ::getpid());
}

TEST(PartLock, IsOneProcesss) {
  const ScratchFolder folder;
  put_lock(folder / "run.h5.part/lock", "", this_process().host, dead_pid());
  constexpr int children = 8;
  for (int i = 0; i < children; ++i) {
    if (::fork() != 0) continue;
    try {
      const Output output(folder / "run.h5", Existing::overwrite);
      ::usleep(300000);
      ::_exit(0);
    } catch (const core::Error&) {
      ::_exit(64);
    }
  }
  int winners = 0;
  for (int i = 0; i < children; ++i) {
    int status = 0;
    ::wait(&status);
    winners += WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 1 : 0;
  }
  EXPECT_EQ(winners, 1);
}

TEST(Reserve, SetsBlocksAside) {
  const ScratchFolder folder("/dev/shm");  // a tmpfs on every Linux, which has fallocate
  const Output output(folder / "run.h5", Existing::refuse);
  put(output.file(), "x");
  output.reserve(1 << 20);
  struct stat status {};
  ASSERT_EQ(::stat(output.file().c_str(), &status), 0);
  EXPECT_GE(512 * status.st_blocks, 1 << 20);
  EXPECT_EQ(status.st_size, 1) << "its length is HDF5's business";
}

TEST(Reserve, SaysHowMuchIsMissing) {
  const ScratchFolder folder("/dev/shm");
  const Output output(folder / "run.h5", Existing::refuse);
  put(output.file(), "x");
  const std::int64_t needed = std::int64_t{1} << 50;
  expect_error(ExitCode::io, "bytes needed", [&] { output.reserve(needed); });
  expect_error(ExitCode::io, " available", [&] { output.reserve(needed); });
  expect_error(ExitCode::io, core::concat(needed, " bytes needed"),
               [&] { reserve_on_disk(output.file(), needed); });
  expect_error(ExitCode::io, "bytes needed", [&] { check_free_space(output.file(), needed); });
  EXPECT_NO_THROW(check_free_space(output.file(), 1));
  EXPECT_NO_THROW(check_free_space("/proc/self/stat", needed)) << "a file system that counts nothing";
}

}  // namespace
}  // namespace orrery::archive
