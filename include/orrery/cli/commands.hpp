#pragma once

#include "orrery/core/option_table.hpp"
#include "orrery/sweep/perturb_options.hpp"
#include "orrery/trace/trace_options.hpp"
#include "orrery/verify/compare.hpp"

#include <string>
#include <vector>

namespace orrery::cli {

// What the commands are called, and the options that they take beside those of trace and sweep
// (core::OptionTable): command line, --help, help topics and manual pages go by these.

/// A command as a user meets it.
struct CommandText {
  std::string name;     ///< "plan trace"
  std::string summary;  ///< for the list of commands
  std::string usage;    ///< the first lines of its help: how it is called, and what it does
};
/// In the order of `orrery --help`.
const std::vector<CommandText>& command_texts();
const CommandText& command_text(const std::string& name);

/// What only the program's face needs: how much it says, and how.
struct TalkOptions {
  std::string progress = "auto";  ///< bar, lines or none
  std::string log_level = "info";
};
core::OptionTable option_table(TalkOptions& options);

/// The ranks that a plan is made for.
struct AskedRanks {
  int ranks = 1;
  int a_node = 0;
};
core::OptionTable option_table(AskedRanks& options);

/// What `inspect` prints.
struct InspectForm {
  bool plot = false;
  bool json = false;
  bool ini = false;
};
core::OptionTable option_table(InspectForm& options);

/// Of `verify` with two files.
core::OptionTable option_table(verify::CompareOptions& options);

/// Of `figures`: lists by commas.
struct FigureWords {
  std::string out;
  std::string only;
  std::string formats;
  bool list = false;
};
core::OptionTable option_table(FigureWords& options);

/// Of `doctor`.
struct DoctorOptions {
  std::string folder = ".";
};
core::OptionTable option_table(DoctorOptions& options);

/// What runs a command: its words are those behind its name. Returns the exit code.
using RunCommand = int (*)(int& count, char**& arguments, const std::vector<std::string>& words);

/// A command of another program's own, beside those of orrery: `const AddedCommand mine{…}` before main is
/// enough for it to be run, listed and helped with.
struct AddedCommand {
  AddedCommand(CommandText its_text, std::vector<core::OptionTable> (*its_options)(), RunCommand its_run,
               bool runs_on_ranks);
  CommandText text;
  std::vector<core::OptionTable> (*options)();  ///< with defaults for values
  RunCommand run;
  bool on_ranks;  ///< starts MPI (run_on_ranks)
};
const std::vector<AddedCommand>& added_commands();

/// The tables of a command, with defaults for values: for what is printed of them.
std::vector<core::OptionTable> documented_options(const std::string& command);

/// The names of all options that can't change a number of a result, of whatever command.
std::set<std::string> all_free_options();

}  // namespace orrery::cli
