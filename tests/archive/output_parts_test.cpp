// Work that is gone on with, and runs in parts.
#include "orrery/archive/output.hpp"
#include "src/archive/part_lock.hpp"
#include "src/archive/work_names.hpp"
#include "tests/archive/expect_error.hpp"
#include "tests/archive/scratch_folder.hpp"
#include "tests/archive/work_in_progress.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace orrery::archive {
namespace {

namespace fs = std::filesystem;
using core::ExitCode;
using test::dead_pid;
using test::expect_error;
using test::names_in;
using test::put;
using test::put_lock;
using test::ScratchFolder;
using test::text_in;
using Names = std::set<std::string>;

constexpr std::int64_t parts = 8;

/// A run OUT, and what processes did to it that were killed.
struct Attempt {
  /// A process that began with these and was killed when it had written file and checkpoint.
  void die(Existing existing, std::optional<Part> part = {}, bool with_checkpoint = true) const {
    const Output output(out, existing, part);
    put(output.file(), "half");
    if (with_checkpoint) put(output.checkpoint(), "blocks");
    put(output.checkpoint().string() + ".new", "blo");
    put_lock(folder / (part ? prefix_of(*part) + "lock" : "lock"), "", this_process().host, dead_pid());
  }
  /// Parts that ran to their end.
  void finish(std::initializer_list<std::int64_t> numbers) const {
    for (const std::int64_t number : numbers) {
      Output output(out, Existing::refuse, Part{number, parts});
      put(output.file(), core::concat("part ", number));
      output.publish();
    }
  }
  void finish_all() const { finish({0, 1, 2, 3, 4, 5, 6, 7}); }
  void expect_refused(const std::string& words, Existing existing, std::optional<Part> part = {}) const {
    const Names before = fs::exists(folder) ? names_in(folder) : Names{};
    expect_error(ExitCode::usage, words, [&] { Output(out, existing, part); });
    EXPECT_EQ(fs::exists(folder) ? names_in(folder) : Names{}, before) << "left as it was";
  }

  ScratchFolder scratch;
  fs::path out = scratch / "run.h5";
  fs::path folder = scratch / "run.h5.part";
};

TEST(Resume, StartsWhereNothingIs) {
  const Attempt run;
  Output output(run.out, Existing::resume);
  EXPECT_FALSE(output.is_done());
  EXPECT_FALSE(output.goes_on());
  put(output.file(), "numbers");
  output.publish();
  EXPECT_EQ(names_in(run.scratch.path()), Names{"run.h5"});
}

TEST(Resume, GoesOnWithWhatAKilledProcessLeft) {
  const Attempt run;
  run.die(Existing::refuse);
  run.expect_refused("give --resume to go on", Existing::refuse);
  Output output(run.out, Existing::resume);
  EXPECT_TRUE(output.goes_on());
  EXPECT_EQ(text_in(output.file()), "half");
  EXPECT_EQ(text_in(output.checkpoint()), "blocks");
  EXPECT_EQ(names_in(run.folder), (Names{"data.h5", "checkpoint", "lock"})) << "half a checkpoint is gone";
  EXPECT_EQ(read_lock(run.folder / "lock")->pid, ::getpid());
  output.publish();
  EXPECT_EQ(text_in(run.out), "half");
  EXPECT_EQ(names_in(run.scratch.path()), Names{"run.h5"});
}

TEST(Resume, StartsAnewWithoutACheckpoint) {
  const Attempt run;
  run.die(Existing::refuse, {}, /*with_checkpoint=*/false);
  const Output output(run.out, Existing::resume);
  EXPECT_FALSE(output.goes_on());
  EXPECT_EQ(names_in(run.folder), Names{"lock"});
}

TEST(Resume, IsDoneWhereTheOutputIs) {
  const Attempt run;
  put(run.out, "all");
  Output output(run.out, Existing::resume);
  EXPECT_TRUE(output.is_done());
  EXPECT_FALSE(output.goes_on());
  EXPECT_FALSE(fs::exists(run.folder));
  output.discard();
  EXPECT_EQ(text_in(run.out), "all");
}

TEST(Resume, TidiesAfterAProcessKilledBehindTheRename) {
  const Attempt run;
  run.die(Existing::refuse);
  fs::rename(run.folder / "data.h5", run.out);
  const Output output(run.out, Existing::resume);
  EXPECT_TRUE(output.is_done());
  EXPECT_EQ(names_in(run.scratch.path()), Names{"run.h5"});
}

TEST(Resume, GoesOnWithWhatWasToReplaceAnOldOutput) {
  const Attempt run;
  put(run.out, "old");
  run.die(Existing::overwrite);
  Output output(run.out, Existing::resume);
  EXPECT_FALSE(output.is_done());
  EXPECT_TRUE(output.goes_on());
  EXPECT_EQ(text_in(run.out), "old");
  output.publish();
  EXPECT_EQ(text_in(run.out), "half");
  EXPECT_FALSE(fs::exists(run.folder));
}

TEST(Resume, KeepsAnOutputThatCameSince) {
  const Attempt run;
  run.die(Existing::refuse);
  put(run.out, "theirs");
  Output output(run.out, Existing::resume);
  EXPECT_TRUE(output.is_done());
  EXPECT_TRUE(fs::exists(run.folder / "data.h5")) << "and our work";
  expect_error(ExitCode::usage, "the output exists", [&] { Output(run.out, Existing::refuse); });
  fs::remove(run.out);
  Output again(run.out, Existing::resume);
  put(run.out, "theirs");
  expect_error(ExitCode::usage, "has come into being", [&] { again.publish(); });
  EXPECT_EQ(text_in(run.out), "theirs");
}

TEST(Resume, RespectsALiveRun) {
  const Attempt run;
  const Output first(run.out, Existing::resume);
  put(first.file(), "numbers");
  run.expect_refused("another run is writing this output", Existing::resume);
  EXPECT_EQ(text_in(first.file()), "numbers");
}

TEST(Leave, KeepsTheWorkForAnotherHost) {
  const Attempt run;
  Output output(run.out, Existing::refuse);
  put(output.file(), "half");
  put(output.checkpoint(), "blocks");
  output.leave();
  output.discard();  // nothing is ours any more
  EXPECT_EQ(names_in(run.folder), (Names{"data.h5", "checkpoint"}));
  EXPECT_TRUE(Output(run.out, Existing::resume).goes_on());
}

TEST(Overwrite, DropsWorkInProgress) {
  const Attempt run;
  run.die(Existing::overwrite);
  const Output output(run.out, Existing::overwrite);
  EXPECT_FALSE(output.goes_on());
  EXPECT_FALSE(fs::exists(output.file()));
  EXPECT_FALSE(fs::exists(output.checkpoint()));
}

TEST(Parts, WorkSideBySide) {
  const Attempt run;
  Output third(run.out, Existing::refuse, Part{3, parts});
  Output first(run.out, Existing::resume, Part{1, parts});
  EXPECT_EQ(third.file(), run.folder / "3-of-8.data.h5");
  EXPECT_EQ(third.checkpoint(), run.folder / "3-of-8.checkpoint");
  EXPECT_EQ(third.result(), run.folder / "3-of-8.h5");
  EXPECT_EQ(names_in(run.folder), (Names{"1-of-8.lock", "3-of-8.lock"}));
  run.expect_refused(core::concat("pid ", ::getpid()), Existing::overwrite, Part{3, parts});
  put(third.file(), "third");
  third.reserve(1);
  put(first.file(), "first");
  first.discard();
  third.publish();
  EXPECT_EQ(names_in(run.folder), Names{"3-of-8.h5"});
  EXPECT_EQ(text_in(third.result()), "third");
  EXPECT_FALSE(fs::exists(run.out));
  run.expect_refused("3-of-8.h5): give --overwrite", Existing::refuse, Part{3, parts});
  EXPECT_TRUE(Output(run.out, Existing::resume, Part{3, parts}).is_done());
  put(run.out, "old");
  run.expect_refused("run.h5): give --overwrite", Existing::refuse, Part{4, parts});
}

TEST(Parts, ManyBeginAndEndAtOnce) {
  const Attempt run;
  constexpr int rounds = 200;
  for (std::int64_t number = 0; number < parts; ++number) {
    if (::fork() != 0) continue;
    try {
      // Each leaves an empty folder behind now and then, and another one takes it away.
      for (int round = 0; round < rounds; ++round) {
        Output(run.out, Existing::resume, Part{number, parts}).discard();
      }
      Output output(run.out, Existing::resume, Part{number, parts});
      put(output.file(), "numbers");
      output.publish();
      ::_exit(0);
    } catch (const core::Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      ::_exit(64);
    }
  }
  for (std::int64_t number = 0; number < parts; ++number) {
    int status = 0;
    ::wait(&status);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(finished_parts(run.out).files.size(), std::size_t{parts});
  EXPECT_EQ(names_in(run.folder).size(), std::size_t{parts});
}

TEST(Parts, GoOnAloneAndAreOverwrittenAlone) {
  const Attempt run;
  run.finish({0});
  run.die(Existing::refuse, Part{1, parts});
  run.die(Existing::refuse, Part{2, parts});
  const Output first(run.out, Existing::resume, Part{1, parts});
  EXPECT_TRUE(first.goes_on());
  Output second(run.out, Existing::overwrite, Part{2, parts});
  EXPECT_FALSE(second.goes_on());
  EXPECT_EQ(names_in(run.folder), (Names{"0-of-8.h5", "1-of-8.data.h5", "1-of-8.checkpoint", "1-of-8.lock",
                                         "2-of-8.overwrite", "2-of-8.lock"}));
  Output again(run.out, Existing::overwrite, Part{0, parts});
  put(again.file(), "new");
  EXPECT_EQ(text_in(again.result()), "part 0") << "until the rename";
  again.publish();
  EXPECT_EQ(text_in(again.result()), "new");
}

TEST(Parts, DontMixWithAnUndividedRun) {
  const Attempt run;
  run.die(Existing::refuse);
  for (const Existing existing : {Existing::refuse, Existing::overwrite, Existing::resume}) {
    run.expect_refused("an undivided run", existing, Part{1, parts});
    expect_error(ExitCode::usage, "an undivided run", [&] { Output::for_join(run.out, existing); });
  }
  fs::remove_all(run.folder);
  run.finish({1});
  for (const Existing existing : {Existing::refuse, Existing::overwrite, Existing::resume}) {
    run.expect_refused("a run in parts", existing);
    run.expect_refused("a run in 8 parts", existing, Part{1, 4});
  }
  EXPECT_EQ(names_in(run.folder), Names{"1-of-8.h5"});
}

TEST(Parts, TouchNobodysFiles) {
  for (const char* name : {"notes.txt", "03-of-8.h5", "8-of-8.h5", "-1-of-8.h5", "3-of-8.tex", "3-of-8",
                           "1-of-9999999999999999999.h5", "1-of-10000000.h5", "h5", "join.h5"}) {
    const Attempt run;
    fs::create_directory(run.folder);
    put(run.folder / name, "years of work");
    run.expect_refused(name, Existing::overwrite, Part{1, parts});
    EXPECT_EQ(text_in(run.folder / name), "years of work");
  }
  const Attempt run;
  run.finish_all();
  put(run.folder / "notes.txt", "years of work");
  expect_error(ExitCode::usage, "notes.txt", [&] { Output::for_join(run.out, Existing::refuse); });
  EXPECT_EQ(names_in(run.folder).size(), std::size_t{parts + 1});
}

TEST(Parts, AreNumbered) {
  const Attempt run;
  for (const Part part : {Part{-1, 8}, Part{8, 8}, Part{0, 0}, Part{0, Part::most + 1}}) {
    run.expect_refused("no such part", Existing::refuse, part);
  }
}

TEST(Join, FindsAllParts) {
  const Attempt run;
  const auto missing = [&](const std::string& words) {
    expect_error(ExitCode::bad_input, words, [&] { finished_parts(run.out); });
  };
  missing("no finished parts");
  run.finish({0, 1, 2, 4, 6});
  missing(core::concat("(", run.folder.string(), ": 3/8, 5/8, 7/8)"));
  run.finish({3, 5, 7});
  const FinishedParts found = finished_parts(run.out);
  EXPECT_EQ(found.count, parts);
  ASSERT_EQ(found.files.size(), std::size_t{parts});
  EXPECT_EQ(text_in(found.files[5]), "part 5");
  run.die(Existing::overwrite, Part{2, parts});
  missing(": 2/8)");
  put(run.folder / "1-of-4.h5", "of another run");
  missing("parts of two runs");
  const Attempt many;
  Output(many.out, Existing::refuse, Part{0, 1000}).leave();
  fs::create_directory(many.folder);
  put(many.folder / "7-of-1000.h5", "a part");
  expect_error(ExitCode::bad_input, "20/1000 and 979 more)", [&] { finished_parts(many.out); });
}

TEST(Join, PublishesAndTakesThePartsAway) {
  const Attempt run;
  run.finish_all();
  Output join = Output::for_join(run.out, Existing::refuse);
  EXPECT_EQ(join.result(), run.out);
  put(join.file(), "whole");
  EXPECT_EQ(finished_parts(run.out).count, parts) << "its own files are no part";
  join.publish();
  EXPECT_EQ(text_in(run.out), "whole");
  EXPECT_EQ(names_in(run.scratch.path()), Names{"run.h5"});
}

TEST(Join, KeepsThePartsWhenItFails) {
  const Attempt run;
  run.finish_all();
  const Names before = names_in(run.folder);
  Output join = Output::for_join(run.out, Existing::refuse);
  put(join.file(), "half");
  join.discard();
  EXPECT_EQ(names_in(run.folder), before);
  // Killed, it is begun again.
  const Output killed = Output::for_join(run.out, Existing::refuse);
  put(killed.file(), "half");
  put_lock(run.folder / "join.lock", "", this_process().host, dead_pid());
  for (const Existing existing : {Existing::refuse, Existing::resume, Existing::overwrite}) {
    Output again = Output::for_join(run.out, existing);
    EXPECT_FALSE(again.goes_on());
    EXPECT_FALSE(fs::exists(again.file()));
    again.discard();
    EXPECT_EQ(names_in(run.folder), before);
  }
  put(run.out, "old");
  expect_error(ExitCode::usage, "the output exists", [&] { Output::for_join(run.out, Existing::refuse); });
  EXPECT_TRUE(Output::for_join(run.out, Existing::resume).is_done());
  EXPECT_EQ(names_in(run.folder), before);
}

TEST(Join, AndPartsWaitForEachOther) {
  const Attempt run;
  run.finish_all();
  {
    Output again(run.out, Existing::overwrite, Part{2, parts});
    expect_error(ExitCode::usage, "2-of-8.lock", [&] { Output::for_join(run.out, Existing::refuse); });
    again.discard();
  }
  put_lock(run.folder / "2-of-8.lock", "", this_process().host, dead_pid());
  Output join = Output::for_join(run.out, Existing::refuse);
  run.expect_refused("the parts are being joined", Existing::overwrite, Part{2, parts});
  expect_error(ExitCode::usage, "another run is writing",
               [&] { Output::for_join(run.out, Existing::overwrite); });
  join.discard();
}

}  // namespace
}  // namespace orrery::archive
