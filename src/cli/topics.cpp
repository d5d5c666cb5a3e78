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

/// What there is to know of a command beside its options.
std::vector<ManualSection> background_of(const std::string& command) {
  if (command == "trace")
    return {
        {.title = "Models",
         .text =
             "--model is a folder as Hugging Face lays it out: config.json, safetensors in one file or in "
             "shards, and tokenizer.json, or tokenizer.model as Meta publishes it; links are followed. Where "
             "model.safetensors lies beside an index, it alone is read, as transformers does.\n\n"
             "What orrery does not compute is an error that names it: in config.json every key that some "
             "configuration of transformers 5.23 reads and orrery doesn't, unless its value asks for "
             "nothing; "
             "a quantization, a model_type and architectures that disagree, two settings of RoPE that do. "
             "Keys that nobody reads are named in a warning and in the file's attribute config_unread, and "
             "so "
             "are, in a warning, tensors that config.json doesn't ask for.\n\n"
             "Of tokenizer.json BPE models are known, the normalizers Prepend and Replace, the "
             "pre-tokenizers "
             "ByteLevel, Digits, Metaspace and Split, and one template: the ids are those of the library "
             "tokenizers, the text of a special token is ordinary text, and patterns have Unicode 16's "
             "classes."},
        {.title = "What stands around a text",
         .text =
             "is what the tokenizer's template puts there, once. Where tokenizer_config.json says otherwise "
             "(add_bos_token, add_eos_token), a warning names both, and --bos decides; log, plan, inspect "
             "and "
             "the file say what stands there. What a template puts behind a text is never measured: its last "
             "token is the text's."},
        {.title = "Kept rows or streaming",
         .text =
             "Up to 2^30 numbers x[n, s, d] are kept, and every statistic comes from them. Beyond that, and "
             "with --tokens all, rows are streamed: each tile's are rounded to integers, their products "
             "summed up without error, and forgotten. It takes a second pass over the corpus for the pooled "
             "scores, more where the covariances of all points don't fit into memory together, and one more "
             "where a value lies too far beyond what 8 tiles drawn beforehand let expect; orrery plan trace "
             "says which. Left out are mutual information, the control sample_permuted and standard errors; "
             "with --tokens all also what has an entry a row, the turns of samples and random_basis. Between "
             "the two ways means agree to 1e-6 of a unit's standard deviation, covariances, eigenvalues and "
             "correlations to 1e-6."}};
  if (command == "perturb")
    return {
        {.title = "Perturbations",
         .text =
             "The last token's stream x at the input of layer l is replaced by x'. Earlier tokens can't see "
             "it: so one token runs through the remaining layers, beside a batch that gives it the prompt's "
             "keys and values. A teleport goes to a point of a grid in the plane of the first two pooled "
             "components, x' = mu + V z, or with --mode shift x' = x + V (z - z0); noise is x' = x + epsilon "
             "|x| u; --kinds ablate takes out one attention head or MLP at a time, for the last token, and "
             "sets "
             "what it gives to zero or to its mean over the trace's samples. Distances are taken to an "
             "unperturbed stream that runs in the same products: what is not perturbed is at distance 0. An "
             "untrained model as a control is a sweep of its own, --weights random, through the same points "
             "of "
             "the same plane.\n\n"
             "A sweep too large for one job is an array of jobs: --part I/10 for each I of 0 ... 9, then "
             "once "
             "--join; under Slurm, slurm/perturb.sbatch."}};
  if (command == "figures")
    return {
        {.title = "What is drawn",
         .text =
             "The paper's figures and some of ours, 85 or 176 mm wide; beside each lie its numbers, "
             "NAME.dat, "
             "and the script that drew it: change a label in NAME.gp, and gnuplot NAME.gp draws it again. "
             "index.html shows all of them on one page that needs no other file, with the headline numbers "
             "beside the paper's, and which of its claims hold here, by a rule that the page states. The "
             "same files give the same bytes.\n\n"
             "Several traces are drawn over each other on relative depth, a colour a run, where a figure is "
             "a curve over depth; other figures show the first. A figure that a file lacks the numbers for "
             "is left out, and a line says why. One that fails leaves the page and the others, the page "
             "names it, and the command ends with 70."}};
  return {};
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
  for (ManualSection& section : background_of(command)) manual.sections.push_back(std::move(section));
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
