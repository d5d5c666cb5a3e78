#include "orrery/core/option_table.hpp"

#include "orrery/core/ini.hpp"
#include "tests/archive/expect_error.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

namespace orrery::core {
namespace {

using orrery::test::expect_error;

enum class Yarn { wool, silk };
constexpr std::array<std::pair<std::string_view, Yarn>, 2> yarns = {
    {{"wool", Yarn::wool}, {"silk", Yarn::silk}}};

/// A table with an option of each kind.
struct Weave {
  std::int64_t threads = 7;
  double width = 0.2;
  Yarn yarn = Yarn::wool;
  std::filesystem::path pattern;
  std::string colours;
  bool dry = false;
  OptionTable table{"weave"};

  Weave() {
    table.group("Files").free();
    table.path("pattern", pattern, "weave", "what to weave");
    table.group("Cloth").fixing();
    table.whole("threads", threads, 1, 100, "how many");
    table.real("width", width, "of the cloth");
    table.word<Yarn>("yarn", yarn, yarns, "what of");
    table.text("colours", colours, "LIST", "of the yarn");
    table.add("dry-run", "", &dry, "weaves nothing");
  }
  const Option& option(const std::string& name) const {
    for (const Option& one : table.options()) {
      if (one.name == name) return one;
    }
    throw internal_error("no such option", name, "");
  }
};

TEST(OptionTable, SaysDefaultsAndRanges) {
  const Weave weave;
  EXPECT_EQ(weave.option("threads").otherwise, "7");
  EXPECT_EQ(weave.option("threads").range, "1 to 100");
  EXPECT_EQ(weave.option("width").otherwise, "0.2");
  EXPECT_EQ(weave.option("yarn").otherwise, "wool");
  EXPECT_EQ(weave.option("yarn").range, "wool, silk");
  EXPECT_EQ(weave.option("pattern").otherwise, "");
  EXPECT_EQ(weave.option("pattern").group, "Files");
  EXPECT_EQ(weave.option("dry-run").value, "");
}

TEST(OptionTable, RefusesWhatNoRunCanHave) {
  Weave weave;
  expect_error(ExitCode::usage, "--pattern is missing (no value given): `orrery weave --help`",
               [&] { weave.table.validate(); });
  weave.pattern = "twill";
  EXPECT_NO_THROW(weave.table.validate());
  for (const std::int64_t threads : {0, 101}) {
    weave.threads = threads;
    expect_error(ExitCode::usage,
                 concat("--threads is out of range (", threads, "): give a whole number from 1"),
                 [&] { weave.table.validate(); });
  }
  expect_error(ExitCode::usage, "unknown word for --yarn (nylon): use one of wool, silk",
               [&] { std::get<TakeText>(weave.option("yarn").target)("nylon"); });
  std::get<TakeText>(weave.option("yarn").target)("silk");
  EXPECT_EQ(weave.yarn, Yarn::silk);
}

TEST(OptionTable, RecordsWhatRepeatsTheRun) {
  Weave weave;
  weave.pattern = "/looms/../twill";
  EXPECT_EQ(weave.table.to_ini(), "[weave]\npattern = /twill\nthreads = 7\nwidth = 0.2\nyarn = wool\n");
  weave.colours = "red,blue";
  EXPECT_EQ(ini_value(weave.table.to_ini(), "colours"), "red,blue");
  EXPECT_EQ(ini_value(weave.table.to_ini(), "dry-run"), "");
  EXPECT_EQ(ini_lines(weave.table.to_ini()).back().section, "weave");
}

TEST(OptionTable, KnowsWhichCantChangeANumber) {
  EXPECT_EQ(Weave().table.free_options(), std::set<std::string>{"pattern"});
}

TEST(Times, AreInSecondsMinutesOrHours) {
  EXPECT_EQ(seconds_from("every", "90"), 90);
  EXPECT_EQ(seconds_from("every", "1.5m"), 90);
  EXPECT_EQ(seconds_from("every", "2h"), 7200);
  for (const char* text : {"", "s", "soon", "-1s", "1d", "nan", "inf"})
    expect_error(ExitCode::usage, "--every is no time", [&] { seconds_from("every", text); });
}

}  // namespace
}  // namespace orrery::core
