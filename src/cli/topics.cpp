#include "topics.hpp"

#include "fault_table.hpp"
#include "orrery/archive/sweep_layout.hpp"
#include "orrery/archive/trace_layout.hpp"
#include "orrery/cli/commands.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <map>
#include <sstream>

namespace orrery::cli {
namespace {

using core::concat;

/// The options of a table, each heading a section.
void add_options(std::vector<ManualSection>& sections, const std::string& before,
                 const core::OptionTable& table) {
  std::map<std::string, std::size_t> places;
  for (const core::Option& option : table.options()) {
    const auto [place, is_new] = places.emplace(option.group, sections.size());
    if (is_new) sections.push_back({.title = before + option.group});
    ManualEntry entry{concat("--", option.name, option.value.empty() ? "" : " ", option.value), option.help};
    if (!option.range.empty()) entry.text += concat(". Range: ", option.range);
    if (!option.otherwise.empty()) entry.text += concat(". Default: ", option.otherwise);
    sections[place->second].entries.push_back(std::move(entry));
  }
}

Manual options_manual() {
  Manual manual{
      .name = "orrery-options",
      .chapter = "7",
      .summary = "every option of every command: value, range, default",
      .sections = {{.title = "Options",
                    .text = "Lists are numbers and ranges such as 0-3,7, or all. Options of trace and "
                            "perturb may stand in an INI file, under [trace] and [perturb], that "
                            "--config names; the command line wins. `orrery inspect FILE --ini` prints "
                            "those that made a file.\n\n" +
                            concat("Of the options of trace and perturb these can't change a number of "
                                   "the result:")}}};
  std::string names;
  for (const std::string& name : all_free_options()) names += concat(names.empty() ? " " : ", ", name);
  manual.sections.front().text += names + ". A run goes on (--resume) only with the others as they were.";
  for (const char* command : {"trace", "perturb", "figures", "inspect", "verify", "doctor"}) {
    const auto tables = documented_options(command);
    add_options(manual.sections, concat("orrery ", command, ": "), tables.front());
  }
  add_options(manual.sections, "orrery plan trace, plan perturb: ", documented_options("plan trace").front());
  add_options(manual.sections, "orrery trace, perturb and plan: ", documented_options("trace").back());
  return manual;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += concat(text.empty() ? "" : ", ", word);
  return text;
}

/// The datasets of a layout, each group a section.
void add_datasets(std::vector<ManualSection>& sections, const std::string& before,
                  const archive::Layout& layout) {
  std::map<std::string, std::size_t> places;
  for (const archive::Dataset& dataset : layout.datasets) {
    const std::string group = dataset.path.substr(0, dataset.path.rfind('/'));
    const auto [place, is_new] = places.emplace(group, sections.size());
    if (is_new) sections.push_back({.title = before + group});
    ManualEntry entry{
        concat(dataset.path, "  ", archive::name_of(dataset.type), " (", joined(dataset.dimensions), ")"),
        dataset.long_name};
    if (dataset.units != "1") entry.text += concat(". In: ", dataset.units);
    if (!dataset.nan_where.empty()) entry.text += concat(". NaN where: ", dataset.nan_where);
    sections[place->second].entries.push_back(std::move(entry));
  }
}

/// A model of two layers, of the first family.
core::PointMap some_points() {
  using core::PointKind;
  return core::PointMap::of_layers(2, {PointKind::pre_attention, PointKind::pre_mlp});
}

archive::Layout some_trace() {
  return archive::trace_layout({.samples = 100,
                                .rows = 100,
                                .point_map = some_points(),
                                .units = 64,
                                .components = 8,
                                .tokens = 1000});
}

archive::Layout some_sweep() {
  archive::SweepExtent extent;
  extent.prompts = {0, 1};
  extent.start_layers = {0, 1};
  extent.point_map = some_points();
  extent.units = 64;
  extent.heads = 2;
  extent.epsilons = {0.01, 0.1};
  extent.directions = {"random_0", "pc_1"};
  extent.ablated_layers = {0, 1};
  extent.state_prompts = {0};
  extent.state_points = {0};
  return archive::sweep_layout(extent);
}

Manual files_manual() {
  Manual manual{
      .name = "orrery-files",
      .chapter = "7",
      .summary = "every dataset of a trace and a sweep: type, dimensions, definition, where it is NaN",
      .sections = {{.title = "Files",
                    .text = "A run writes one HDF5 file, which netCDF-4 and xarray read too. Every dataset "
                            "says in long_name what it is, in units what it is measured in, and in "
                            "nan_where which entries are NaN by right. The root's attribute "
                            "not_computed names what a run lacks, and why; its other attributes say "
                            "where the numbers come from: program, options, hashes of all inputs, "
                            "ranks, devices, job.\n\n/headline has as attributes what trace prints, "
                            "each with its standard error (_se); /checksum the XXH64 of each 16 MiB of "
                            "every dataset, and of the attributes; /timing what differs from run to "
                            "run.\n\nA file comes into being as OUT.part/ and gets its name when it is "
                            "complete, read back and on disk: the final name only ever denotes a "
                            "complete file. model_sha256 is the hash of the sha256sum lines of config.json "
                            "and the safetensors files with their index, sorted by name."}}};
  add_datasets(manual.sections, "Trace: ", some_trace());
  add_datasets(manual.sections, "Sweep: ", some_sweep());
  return manual;
}

Manual faults_manual() {
  Manual manual{
      .name = "orrery-faults",
      .chapter = "7",
      .summary = "what can go wrong, what you see then, and what is lost",
      .sections = {{.title = "Faults",
                    .text = "A run that fails says so once, on one line, and all its ranks end within "
                            "seconds. What is committed (--checkpoint-every) stays in OUT.part/, and the "
                            "same command with --resume, on any number of ranks, ends in the same bits; "
                            "where nothing was committed it begins anew. Each of these is a test, which "
                            "breaks the program at places that a seed draws."}}};
  for (const Fault& fault : fault_table()) {
    manual.sections.front().entries.push_back(
        {concat(fault.what, ": ", fault.where), concat("You see: ", fault.seen, ". Exit code: ", fault.code,
                                                       ". Lost: ", fault.lost, ". Test: ", fault.tests)});
  }
  return manual;
}

Manual exit_codes_manual() {
  Manual manual{
      .name = "orrery-exit-codes",
      .chapter = "7",
      .summary = "what the program returns to the shell",
      .sections = {{.title = "Exit codes",
                    .text = "An error is one line on stderr, from one rank: problem (what was seen): what "
                            "to do."}}};
  for (const auto& [code, meaning] : core::exit_code_meanings)
    manual.sections.front().entries.push_back({concat(static_cast<int>(code)), meaning});
  return manual;
}

std::string page_name(const std::string& command) {
  return "orrery-" + command;
}

}  // namespace

std::vector<Topic> topics() {
  return {{"options", options_manual()},
          {"files", files_manual()},
          {"faults", faults_manual()},
          {"exit-codes", exit_codes_manual()}};
}

Manual manual_of(const std::string& command) {
  const CommandText& text = command_text(command);
  // The lines on how it is called stay as they are, the others are filled.
  std::string synopsis, description;
  std::istringstream lines(text.usage);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("orrery ") && description.empty()) {
      synopsis += concat(synopsis.empty() ? "" : "\n", "  ", line);
    } else {
      description += line + "\n";
    }
  }
  Manual manual{.name = page_name(command),
                .chapter = "1",
                .summary = text.summary,
                .sections = {{.title = "Synopsis", .text = synopsis}}};
  if (!description.empty()) manual.sections.push_back({.title = "Description", .text = description});
  for (const core::OptionTable& table : documented_options(command)) add_options(manual.sections, "", table);
  manual.sections.push_back(
      {.title = "See also", .text = "orrery(1), orrery-options(7), orrery-exit-codes(7)"});
  return manual;
}

Manual manual_of_program() {
  Manual manual{.name = "orrery",
                .chapter = "1",
                .summary = "the dynamics of a transformer's residual stream, at cluster scale",
                .sections = {{.title = "Commands"}, {.title = "Topics"}}};
  for (const CommandText& command : command_texts()) {
    if (!command.summary.empty())
      manual.sections.front().entries.push_back({"orrery " + command.name, command.summary});
  }
  for (const Topic& topic : topics())
    manual.sections.back().entries.push_back({"orrery help " + topic.name, topic.manual.summary});
  return manual;
}

}  // namespace orrery::cli
