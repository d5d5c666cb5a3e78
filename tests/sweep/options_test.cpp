#include "orrery/core/ini.hpp"
#include "orrery/sweep/perturb_options.hpp"
#include "tests/archive/expect_error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace orrery::sweep {
namespace {

using core::ExitCode;
using test::expect_error;

TEST(PerturbOptions, EpsilonsAreSortedAndDifferent) {
  EXPECT_EQ(epsilons_from("1,0.01,0.1"), (std::vector<double>{0.01, 0.1, 1}));
  EXPECT_EQ(text_of(epsilons_from("1e-2,0")), "0,0.01");
  for (const char* list : {"", "1,1", "0.1,0.10", "-1", "x", "nan", "1,,2"})
    expect_error(ExitCode::usage, "--epsilon", [&] { epsilons_from(list); });
}

TEST(PerturbOptions, KindsAreWrittenInOneOrder) {
  EXPECT_EQ(text_of(kinds_from("ablate,teleport")), "teleport,ablate");
  EXPECT_FALSE(kinds_from("noise").teleport);
  expect_error(ExitCode::usage, "unknown word for --kinds (nosie)", [] { kinds_from("nosie"); });
  expect_error(ExitCode::usage, "--kinds", [] { kinds_from(""); });
}

TEST(PerturbOptions, PartsAreOfAWhole) {
  EXPECT_EQ(part_from("3/8").number, 3);
  EXPECT_EQ(part_from("3/8").count, 8);
  for (const char* part : {"8/8", "-1/8", "3", "3/0", "/", "a/b", "1/2/3", "0/100001"})
    expect_error(ExitCode::usage, "--part is no part of a whole", [&] { part_from(part); });
}

TEST(PerturbOptions, RecordWhatRepeatsTheSweep) {
  PerturbOptions options;
  options.trace = "/t.h5";
  options.out = "/s.h5";
  options.prompts = "0-3";
  options.part = archive::Part{1, 4};
  const std::string ini = to_ini(options);
  EXPECT_TRUE(ini.starts_with("[perturb]\ntrace = /t.h5\nmodel = \nout = /s.h5\nkinds = teleport,noise\n"))
      << ini;
  EXPECT_EQ(core::ini_value(ini, "widen"), "0.2");
  EXPECT_EQ(core::ini_value(ini, "checkpoint-every"), "600s");
  for (const char* name : {"part", "join", "overwrite", "resume", "config", "dtype", "score-components"})
    EXPECT_EQ(core::ini_value(ini, name), "") << name;
  options.prompts = "mine.txt";
  EXPECT_TRUE(core::ini_value(to_ini(options), "prompts").starts_with('/')) << "a file's path is absolute";
}

TEST(PerturbOptions, KnowWhichCantChangeANumber) {
  EXPECT_EQ(free_options(),
            (std::set<std::string>{"checkpoint-every", "config", "join", "model", "order", "out", "overwrite",
                                   "part", "resume", "stall-minutes", "threads", "trace"}));
}

TEST(PerturbOptions, RefuseNoiseWithoutDirections) {
  PerturbOptions options;
  options.trace = "t";
  options.out = "s";
  EXPECT_NO_THROW(options.validate());
  options.directions = options.pc_directions = 0;
  expect_error(ExitCode::usage, "noise has no direction", [&] { options.validate(); });
  options.kinds.noise = false;
  EXPECT_NO_THROW(options.validate());
}

}  // namespace
}  // namespace orrery::sweep
