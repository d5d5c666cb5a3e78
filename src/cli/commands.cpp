#include "orrery/cli/commands.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <algorithm>
#include <array>

namespace orrery::cli {
namespace {

using core::concat;
using core::OptionTable;

constexpr std::array<std::string_view, 4> progress_words = {"auto", "bar", "lines", "none"};
constexpr std::array<std::string_view, 4> log_words = {"error", "warn", "info", "debug"};

std::vector<AddedCommand>& known_additions() {
  static std::vector<AddedCommand> all;
  return all;
}

/// An option that is one of `known`.
void add_text_word(OptionTable& table, const std::string& name, std::string& into,
                   std::span<const std::string_view> known, const std::string& help) {
  std::string list;
  for (const std::string_view word : known) list += concat(list.empty() ? "" : ", ", word);
  core::Option& one = table.add(
      name, "WORD",
      [&into, known, list, name](const std::string& text) {
        into = text;
        if (std::ranges::find(known, text) != known.end()) return;
        throw core::usage_error(concat("unknown word for --", name), text, "use one of " + list);
      },
      help);
  one.range = list;
  one.otherwise = into;
}

constexpr const char* verify_usage =
    "orrery verify FILE            looks for damage in a file\n"
    "orrery verify FILE FILE       compares two files\n"
    "\n"
    "One file: a line for each check, `ok` or `FAILED`: completeness, every dataset with its shape and "
    "type,\n"
    "checksums, NaN and infinities only where the dataset's `nan_where` and `infinite_where` say so, and "
    "the\n"
    "identities that tie its numbers to each other (of a trace: eigenvalues to variances, components at "
    "right\n"
    "angles, scores to their covariance, ...; of a sweep: recoveries to distances, a summary to both, ...).\n"
    "\n"
    "Two files: a line for each dataset, attribute or option that differs, bit for bit, with the first "
    "entry\n"
    "that does. Set aside is what may differ between runs that give the same numbers: /timing, /checksum; "
    "the\n"
    "root's attributes command, config, corpus_name, created_utc, devices, git_commit, hosts, job_gpus,\n"
    "job_id, libraries, model_name, prompts_name, ranks, threads; of config, though, only the options\n";

/// "a, b, …" in lines of about `width`.
std::string wrapped(const std::set<std::string>& words, std::size_t width) {
  std::string text, line;
  for (const std::string& word : words) {
    if (line.size() + word.size() > width) {
      text += line + "\n";
      line.clear();
    }
    line += word + ", ";
  }
  return text + line;
}

std::vector<CommandText> make_command_texts() {
  const std::string verify = concat(
      verify_usage, wrapped(all_free_options(), 95),
      "and where a file of prompts lies. An option or\nattribute that an earlier version didn't record is "
      "as its default.\n\nExit code 0: sound, or the same; 1: damage, or a difference; 65: a file that "
      "can't be read.");
  return {
      {"trace", "run a model over a corpus and write the statistics of its residual stream",
       "orrery trace --model DIR --corpus FILE --out run.h5   (alone, or under mpirun or srun)\n"
       "Runs the model over the corpus and writes the statistics of its residual stream to one HDF5 file."},
      {"perturb", "perturb the residual stream of a trace's prompts and write how it goes on",
       "orrery perturb --trace run.h5 --out sweep.h5   (alone, or under mpirun or srun)\n"
       "Perturbs the residual stream of a trace's prompts, and writes how it goes on to one HDF5 file."},
      {"figures", "draw the figures of a trace and a sweep, and a page over them",
       "orrery figures run.h5 [sweep.h5] --out DIR\n"
       "Draws the figures of a trace and a sweep into a folder: SVG, PDF and PNG, with the data and the "
       "gnuplot\n"
       "script of each, and one page over all, index.html. Several traces are drawn over each other."},
      {"plan", "print what a run would take: FLOPs, memory, file size, time",
       "orrery plan trace|perturb …options of the command… [--ranks R]"},
      {"plan trace", "",
       "orrery plan trace …options of orrery trace… [--ranks R]\n"
       "Prints what the run would take; runs nothing."},
      {"plan perturb", "",
       "orrery plan perturb …options of orrery perturb… [--ranks R]\n"
       "Prints what the sweep, or its --part, would take; runs nothing."},
      {"inspect", "print what a file holds",
       "orrery inspect FILE [--plot|--json|--ini]\n"
       "Prints what a file holds: where it comes from, its headline numbers, its datasets."},
      {"verify", "look for damage in a file, or compare two", verify},
      {"doctor", "try what a run needs on this machine",
       "orrery doctor [--out DIR]   (alone, or under mpirun or srun)\n"
       "Tries what a run needs on this machine."},
      {"help", "print a command's help, or of options, files, faults or exit codes",
       "orrery help [COMMAND|options|files|faults|exit-codes]"},
      {"--version", "print the version", "orrery --version"}};
}

}  // namespace

const std::vector<CommandText>& command_texts() {
  static const std::vector<CommandText> texts = [] {
    std::vector<CommandText> all = make_command_texts();
    for (const AddedCommand& added : added_commands()) all.push_back(added.text);
    return all;
  }();
  return texts;
}

AddedCommand::AddedCommand(CommandText its_text, std::vector<OptionTable> (*its_options)(),
                           RunCommand its_run, bool runs_on_ranks)
    : text(std::move(its_text)), options(its_options), run(its_run), on_ranks(runs_on_ranks) {
  known_additions().push_back(*this);
}

const std::vector<AddedCommand>& added_commands() {
  return known_additions();
}

const CommandText& command_text(const std::string& name) {
  const auto found = std::ranges::find(command_texts(), name, &CommandText::name);
  if (found == command_texts().end())
    throw core::internal_error("a command without a text", name, "please report it with the command line");
  return *found;
}

OptionTable option_table(TalkOptions& o) {
  OptionTable table("");
  table.group("Talk").free();
  add_text_word(table, "progress", o.progress, progress_words,
                "on stderr; auto: a bar on a terminal without a launcher, else a line every 30 s");
  add_text_word(table, "log-level", o.log_level, log_words, "what is told on stderr");
  return table;
}

OptionTable option_table(AskedRanks& o) {
  OptionTable table("");
  table.group("Plan").free();
  table.add("ranks", "N", &o.ranks, "MPI ranks").otherwise = std::to_string(o.ranks);
  table.add("ranks-a-node", "N", &o.a_node, "0: all on one node").otherwise = std::to_string(o.a_node);
  return table;
}

OptionTable option_table(InspectForm& o) {
  OptionTable table("");
  table.group("Form").free();
  table.add(
      "plot", "", &o.plot,
      "small charts for a terminal: of a trace, what changes over depth; of a sweep, how distances go on");
  table.add("json", "", &o.json, "all attributes and datasets, as JSON");
  table.add("ini", "", &o.ini, "the options that made it, as an INI file that repeats the run");
  return table;
}

OptionTable option_table(verify::CompareOptions& o) {
  OptionTable table("");
  table.group("Two files").free();
  table
      .add("tolerance", "T", &o.tolerance,
           "compare numbers: real ones may differ by T times the largest magnitude that their dataset has in "
           "either file (an attribute: T times the larger of the two); NaN equals NaN; whole numbers and "
           "texts "
           "stay exact")
      .range = "0 or more";
  table.add(
      "common", "", &o.common,
      "only datasets that both files have, and numbers among the attributes that both have: for runs that "
      "differ on purpose, such as kept rows and streamed ones");
  return table;
}

OptionTable option_table(FigureWords& o) {
  OptionTable table("");
  table.group("Figures").free();
  table.add(
      "out", "DIR", &o.out,
      "folder for them, made where it is missing; files of the same names (of links the link itself) are "
      "replaced, no others touched, and none that is drawn");
  table.add("only", "NAMES", &o.only, "these figures alone, and no page: names by commas");
  table.add("format", "FORMATS", &o.formats, "svg, pdf, png, or some of them by commas; all by default");
  table.add("list", "", &o.list, "prints the names of all figures, and what each is of");
  return table;
}

OptionTable option_table(DoctorOptions& o) {
  OptionTable table("");
  table.group("Where").free();
  table.add("out", "DIR", &o.folder, "folder in which all ranks write a small file together").otherwise =
      o.folder;
  return table;
}

std::vector<OptionTable> documented_options(const std::string& command) {
  static trace::TraceOptions trace;
  static sweep::PerturbOptions perturb;
  static TalkOptions talk;
  static AskedRanks asked;
  static InspectForm form;
  static verify::CompareOptions compare;
  static FigureWords figures;
  static DoctorOptions doctor;
  if (command == "trace") return {trace::option_table(trace), option_table(talk)};
  if (command == "perturb") return {sweep::option_table(perturb), option_table(talk)};
  if (command == "plan trace") return {option_table(asked), trace::option_table(trace), option_table(talk)};
  if (command == "plan perturb")
    return {option_table(asked), sweep::option_table(perturb), option_table(talk)};
  if (command == "inspect") return {option_table(form)};
  if (command == "verify") return {option_table(compare)};
  if (command == "figures") return {option_table(figures)};
  if (command == "doctor") return {option_table(doctor)};
  for (const AddedCommand& added : added_commands()) {
    if (added.text.name == command) return added.options();
  }
  return {};
}

std::set<std::string> all_free_options() {
  std::set<std::string> names;
  for (const char* command : {"trace", "perturb"}) {
    for (const OptionTable& table : documented_options(command)) names.merge(table.free_options());
  }
  names.erase("config");  // names a file of options, and is recorded nowhere
  return names;
}

}  // namespace orrery::cli
