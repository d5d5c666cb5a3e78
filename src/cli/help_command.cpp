#include "help_command.hpp"

#include "console.hpp"
#include "orrery/cli/commands.hpp"
#include "orrery/cli/option_set.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "topics.hpp"

#include <filesystem>
#include <fstream>

namespace orrery::cli {
namespace {

using core::concat;

std::string overview() {
  std::string text = "orrery: the dynamics of a transformer's residual stream, at cluster scale\n\n";
  for (const CommandText& command : command_texts()) {
    if (command.summary.empty()) continue;
    std::string name = command.name;
    name.resize(12, ' ');
    text += concat("  orrery ", name, command.summary, "\n");
  }
  text += "\n`orrery COMMAND --help` lists a command's options. `orrery help TOPIC` knows\n\n";
  for (const Topic& topic : topics()) {
    std::string name = topic.name;
    name.resize(14, ' ');
    text += concat("  ", name, topic.manual.summary, "\n");
  }
  return text;
}

/// What `COMMAND --help` prints.
std::string help_of(const std::string& command) {
  OptionSet set(command, "", command_text(command).usage);
  const std::vector<core::OptionTable> tables = documented_options(command);
  for (const core::OptionTable& table : tables) set.add(table);
  return set.help();
}

void write_page(const std::filesystem::path& folder, const Manual& manual) {
  const std::filesystem::path path = folder / concat(manual.name, ".", manual.chapter);
  std::ofstream out(path);
  out << as_roff(manual);
  if (!out.flush())
    throw core::system_error("a manual page can't be written", path.string(),
                             "check the folder and the disk");
}

/// All manual pages, in a folder that is made where it is missing.
void write_pages(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  write_page(folder, manual_of_program());
  for (const CommandText& command : command_texts()) {
    const bool has_page = !command.summary.empty() && command.name != "--version" && command.name != "help";
    if (has_page) write_page(folder, manual_of(command.name));
  }
  for (const Topic& topic : topics()) write_page(folder, topic.manual);
}

}  // namespace

int run_help(const std::vector<std::string>& words) {
  if (words.empty() || words.front() == "--help" || words.front() == "-h") {
    print(overview());
    return 0;
  }
  if (words.front() == "--man" && words.size() == 2) {
    write_pages(words[1]);
    return 0;
  }
  std::string asked = words.front();
  for (std::size_t i = 1; i < words.size(); ++i) asked += " " + words[i];  // "plan trace"
  std::vector<std::string> known;
  for (const Topic& topic : topics()) {
    known.push_back(topic.name);
    if (topic.name != asked) continue;
    print(as_text(topic.manual));
    return 0;
  }
  for (const CommandText& command : command_texts()) {
    known.push_back(command.name);
    if (command.name != asked) continue;
    print(help_of(asked));
    return 0;
  }
  const std::string near = nearest(asked, known);
  throw core::usage_error("no such topic or command", asked,
                          near.empty()
                              ? "`orrery help` lists them"
                              : concat("did you mean orrery help ", near, "? `orrery help` lists them"));
}

}  // namespace orrery::cli
