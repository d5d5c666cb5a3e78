#include "orrery/cli/option_set.hpp"

#include "tests/archive/expect_error.hpp"
#include "tests/archive/scratch_folder.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace orrery::cli {
namespace {

using core::ExitCode;
using test::expect_error;
using Words = std::vector<std::string>;

/// A command of three options, as `trace` has more of.
struct Weave {
  OptionSet set{"weave", "trace", "orrery weave [OPTIONS] FILE"};
  std::int64_t samples = 7;
  std::string colour;
  bool dry = false;
  test::ScratchFolder folder;

  Weave() {
    core::OptionTable table("trace");
    table.group("Cloth");
    table.whole("samples", samples, 0, 100, "how many");
    table.text("colour", colour, "WORD", "of the thread");
    table.add("dry-run", "", &dry, "no thread");
    table.group("Files");
    table.add(
        "config", "PATH", [](const std::string&) {}, "INI file");
    set.add(table);
    set.positional("file", 1);
  }
  bool parse(const Words& words) { return set.parse(words); }
  /// With an INI file of that text in front.
  bool parse_with(const std::string& ini, Words words = {}) {
    std::ofstream(folder / "weave.ini") << ini;
    words.insert(words.begin(), {"--config", (folder / "weave.ini").string()});
    return parse(words);
  }
};

TEST(OptionSet, TheCommandLineWinsOverTheFileAndTheFileOverTheDefault) {
  Weave by_default, by_file, by_words;
  by_default.parse({});
  EXPECT_EQ(by_default.samples, 7);
  by_file.parse_with("[trace]\nsamples = 8\n");
  EXPECT_EQ(by_file.samples, 8);
  by_words.parse_with("[trace]\nsamples = 8\ncolour = red\n", {"--samples", "9"});
  EXPECT_EQ(by_words.samples, 9);
  EXPECT_EQ(by_words.colour, "red") << "what the words leave out is the file's";
}

TEST(OptionSet, ReadsOneSectionOfAFile) {
  Weave weave;
  weave.parse_with("\xef\xbb\xbf# a study\n[perturb]\ngrid = 3\n[trace]\nsamples = 8\n");
  EXPECT_EQ(weave.samples, 8);
}

TEST(OptionSet, NamesTheNearestOption) {
  for (const auto& [given, near] : {std::pair("--sampels", "did you mean --samples?"),
                                    {"--samp", "--samples?"},
                                    {"--dry_run", "did you mean --dry-run?"},
                                    {"--color", "--colour?"}}) {
    Weave weave;
    expect_error(ExitCode::usage, near, [&] { weave.parse({given, "3"}); });
  }
  Weave weave;
  expect_error(ExitCode::usage, "`orrery weave --help` lists the options",
               [&] { weave.parse({"--temperature"}); });
}

TEST(OptionSet, NamesTheNearestKey) {
  for (const auto& [ini, seen] : {std::pair("[trace]\nsampels = 3\n", "did you mean samples?"),
                                  {"[trcae]\n\nsamples = 3\n", "[trcae]"},
                                  {"samples = 3\n", "put it under [trace]"},
                                  {"[trace]\nconfig = other.ini\n", "config"},
                                  {"[trace]\nsamples = 3 # three\n", "line 2: samples = 3 # three"},
                                  {"[trace]\nsamples = many\n", "many"},
                                  {"[trace]\nsamples = 3\nsamples = 4\n", "samples"}}) {
    Weave weave;
    expect_error(ExitCode::usage, seen, [&] { weave.parse_with(ini); });
  }
}

TEST(OptionSet, RefusesWhatAFileCouldNotHold) {
  for (const char* value : {"a#b", " red", "red ", "red\nsamples = 3"}) {
    Weave weave;
    expect_error(ExitCode::usage, "--colour", [&] { weave.parse({"--colour", value}); });
  }
}

TEST(OptionSet, RefusesWrongWords) {
  for (const Words& words : {Words{"--samples"}, Words{"--samples", "many"}, Words{"--samples", "1.5"},
                             Words{"--samples", "3", "--samples", "4"}, Words{"--dry-run=yes"},
                             Words{"-s", "3"}, Words{"one.h5", "two.h5"}}) {
    Weave weave;
    expect_error(ExitCode::usage, "orrery weave", [&] { weave.parse(words); });
  }
  Weave weave;
  expect_error(ExitCode::bad_input, "missing.ini", [&] {
    weave.parse({"--config", (weave.folder / "missing.ini").string()});
  });
}

TEST(OptionSet, KeepsTheWordsWithoutAnOption) {
  Weave weave;
  EXPECT_FALSE(weave.parse({"run.h5", "--dry-run"}));
  EXPECT_EQ(weave.set.words("file"), Words{"run.h5"});
  EXPECT_TRUE(weave.dry);
  EXPECT_TRUE(weave.set.config().empty());
}

TEST(OptionSet, HelpComesFirstAndListsAll) {
  Weave weave;
  EXPECT_TRUE(weave.parse({"--sampels", "3", "--help"})) << "whatever else is wrong";
  EXPECT_TRUE(weave.parse({"-h"}));
  const std::string help = weave.set.help();
  EXPECT_EQ(help.find("orrery weave [OPTIONS] FILE\n"), 0);
  for (const char* shown : {"Cloth:", "--samples N (=7)", "--colour", "--dry-run", "how many", "Files:"}) {
    EXPECT_NE(help.find(shown), std::string::npos) << shown << " in\n" << help;
  }
  EXPECT_EQ(weave.set.names(), (Words{"samples", "colour", "dry-run", "config"}));
}

TEST(Nearest, IsAShortenedOrAMisspeltWord) {
  const Words known = {"samples", "seed", "store", "stall-minutes"};
  EXPECT_EQ(nearest("samp", known), "samples");
  EXPECT_EQ(nearest("sampels", known), "samples");
  EXPECT_EQ(nearest("sed", known), "seed");
  EXPECT_EQ(nearest("stor", known), "store");
  EXPECT_EQ(nearest("stall_minute", known), "stall-minutes");
  EXPECT_EQ(nearest("temperature", known), "");
  EXPECT_EQ(nearest("", known), "");
}

}  // namespace
}  // namespace orrery::cli
