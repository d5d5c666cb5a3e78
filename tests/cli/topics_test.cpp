#include "src/cli/topics.hpp"

#include "orrery/cli/commands.hpp"
#include "orrery/core/error.hpp"
#include "src/cli/fault_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace orrery::cli {
namespace {

const char* const commands[] = {"trace", "perturb", "figures", "inspect", "verify", "doctor"};

Manual topic(const std::string& name) {
  for (const Topic& one : topics()) {
    if (one.name == name) return one.manual;
  }
  return {};
}

/// The text between a term and the next one.
std::string said_of(const Manual& manual, const std::string& section, const std::string& term) {
  for (const ManualSection& one : manual.sections) {
    for (const ManualEntry& entry : one.entries) {
      if (one.title == section && entry.term == term) return entry.text;
    }
  }
  return "";
}

std::string term_of(const core::Option& option) {
  return "--" + option.name + (option.value.empty() ? "" : " " + option.value);
}

TEST(Topics, OptionsAreThoseOfTheTables) {
  const Manual manual = topic("options");
  std::size_t known = 0;
  const auto expect_all = [&](const std::string& before, const core::OptionTable& table) {
    for (const core::Option& option : table.options()) {
      ++known;
      const std::string text = said_of(manual, before + option.group, term_of(option));
      const std::string range = option.range.empty() ? "" : ". Range: " + option.range;
      const std::string otherwise = option.otherwise.empty() ? "" : ". Default: " + option.otherwise;
      EXPECT_EQ(text, option.help + range + otherwise);
    }
  };
  for (const std::string command : commands)
    expect_all("orrery " + command + ": ", documented_options(command).front());
  expect_all("orrery plan trace, plan perturb: ", documented_options("plan perturb").front());
  expect_all("orrery trace, perturb and plan: ", documented_options("trace").back());
  std::size_t listed = 0;
  for (const ManualSection& section : manual.sections) listed += section.entries.size();
  EXPECT_EQ(listed, known) << "nothing else is listed";
  EXPECT_GT(known, 60U);
}

TEST(Topics, ACommandsPageHasAllOfItsOptions) {
  for (const std::string command : commands) {
    const std::string page = as_roff(manual_of(command));
    for (const core::OptionTable& table : documented_options(command)) {
      for (const core::Option& option : table.options()) {
        std::string term = term_of(option);
        for (std::size_t at = 0; (at = term.find('-', at)) != term.npos; at += 2) term.replace(at, 1, "\\-");
        EXPECT_NE(page.find("\n.TP\n\\fB" + term + "\\fR\n"), page.npos) << command << ": " << term;
      }
    }
  }
}

TEST(Topics, ExitCodesAreTheProgramsOwn) {
  const std::string text = as_text(topic("exit-codes"));
  for (const auto code : {core::ExitCode::done, core::ExitCode::difference, core::ExitCode::usage,
                          core::ExitCode::bad_input, core::ExitCode::helper_missing, core::ExitCode::internal,
                          core::ExitCode::io, core::ExitCode::resources, core::ExitCode::stopped})
    EXPECT_NE(text.find("\n  " + std::to_string(static_cast<int>(code)) + "\n"), text.npos);
}

TEST(Topics, FaultsEndInKnownCodes) {
  EXPECT_GT(fault_table().size(), 25U);
  for (const Fault& fault : fault_table()) {
    for (const std::string* field : {&fault.what, &fault.where, &fault.seen, &fault.lost, &fault.tests})
      EXPECT_FALSE(field->empty()) << fault.what;
    const bool is_number =
        !fault.code.empty() && std::isdigit(static_cast<unsigned char>(fault.code.front()));
    if (!is_number) continue;
    const int code = std::stoi(fault.code);
    EXPECT_TRUE(std::ranges::any_of(core::exit_code_meanings, [&](const core::ExitCodeMeaning& one) {
      return static_cast<int>(one.code) == code;
    })) << fault.what;
  }
}

TEST(Topics, FilesHaveEveryGroup) {
  const Manual manual = topic("files");
  std::set<std::string> titles;
  for (const ManualSection& section : manual.sections) titles.insert(section.title);
  for (const char* group : {"samples", "points", "residual", "trajectory", "continuity", "density",
                            "rotation", "pca", "pooled", "geometry", "control/random_basis"})
    EXPECT_TRUE(titles.contains(std::string("Trace: /") + group)) << group;
  for (const char* group : {"prompts", "points", "baseline", "teleport", "noise", "recovery", "summary",
                            "ablation", "states", "control/random_direction"})
    EXPECT_TRUE(titles.contains(std::string("Sweep: /") + group)) << group;
  EXPECT_NE(as_text(manual).find("/pca/eigenvalue  float64 (point, eigen)"), std::string::npos);
}

TEST(Manual, EscapesWhatRoffWouldTake) {
  const Manual manual{
      .name = "a-b",
      .chapter = "7",
      .summary = "c",
      .sections = {{.title = "One", .text = "a \\ b\n\n  .as it is", .entries = {{"--x", "'y"}}}}};
  const std::string page = as_roff(manual);
  EXPECT_NE(page.find("a \\e b\n"), page.npos);
  EXPECT_NE(page.find("\n\\&'y\n"), page.npos);
  EXPECT_NE(page.find("\\fB\\-\\-x\\fR"), page.npos);
}

TEST(Manual, FillsLinesOfATerminal) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "word ";
  const std::string shown =
      as_text({.name = "a", .chapter = "7", .summary = "b", .sections = {{.title = "T", .text = text}}});
  std::size_t longest = 0;
  for (std::size_t begin = 0; begin < shown.size();) {
    const std::size_t end = std::min(shown.find('\n', begin), shown.size());
    longest = std::max(longest, end - begin);
    begin = end + 1;
  }
  EXPECT_LE(longest, 100U);
  EXPECT_GT(longest, 90U);
}

}  // namespace
}  // namespace orrery::cli
