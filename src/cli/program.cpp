#include "orrery/cli/program.hpp"

#include "console.hpp"
#include "figures_command.hpp"
#include "help_command.hpp"
#include "orrery/archive/hdf5_version.hpp"
#include "orrery/archive/inputs.hpp"
#include "orrery/archive/output.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/cli/commands.hpp"
#include "orrery/cli/launcher.hpp"
#include "orrery/cli/option_set.hpp"
#include "orrery/cli/progress.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/stop_flag.hpp"
#include "orrery/core/version.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/parallel/environment.hpp"
#include "orrery/report/charts.hpp"
#include "orrery/report/summary.hpp"
#include "orrery/run/context.hpp"
#include "orrery/run/doctor.hpp"
#include "orrery/run/resources.hpp"
#include "orrery/sweep/join.hpp"
#include "orrery/sweep/perturb.hpp"
#include "orrery/sweep/sweep_input.hpp"
#include "orrery/text/printable.hpp"
#include "orrery/trace/trace.hpp"
#include "plan_command.hpp"
#include "verify_command.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <thread>

namespace orrery::cli {
namespace {

using core::concat;
using core::ExitCode;
using Words = std::vector<std::string>;

int code_of(ExitCode code) {
  return static_cast<int>(code);
}

/// The one line of an error.
void speak(const core::Error& error) {
  flush_printed();
  std::fprintf(stderr, "orrery: %s\n", error.what());
}

/// The command line as one would type it again.
std::string command_line(int count, char** arguments) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    const std::string word = arguments[i];
    const bool plain =
        !word.empty() && word.find_first_of(" \t\n'\"\\$`*?[]{}();&|<>#~") == std::string::npos;
    std::string quoted;
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += (i > 0 ? " " : "") + (plain ? word : "'" + quoted + "'");
  }
  return text;
}

}  // namespace

int run_on_ranks(int& count, char**& arguments, const std::function<int(const parallel::Communicator&)>& body,
                 const std::exception_ptr& failure) {
  const parallel::Environment environment(count, arguments);
  const parallel::Communicator ranks = parallel::Communicator::world();
  try {
    parallel::agree(ranks, "beginning", [&] {
      if (failure) std::rethrow_exception(failure);
    });
    return body(ranks);
  } catch (const parallel::AgreedError& error) {
    if (ranks.is_root()) speak(error);
    if (error.ending() == parallel::Ending::at_once) parallel::Environment::leave(code_of(error.code()));
    return code_of(error.code());
  } catch (...) {
    const core::Error error = parallel::error_in_flight("outside any phase", ranks.rank());
    speak(error);
    parallel::Environment::abort(code_of(error.code()));
  }
}

std::optional<int> parse_on_ranks(int& count, char**& arguments, OptionSet& set, const Words& words,
                                  const std::function<void()>& validate) {
  bool asks_for_help = false;
  const std::exception_ptr failure = failure_of([&] {
    asks_for_help = set.parse(words);
    if (!asks_for_help && validate) validate();
  });
  const auto nothing = [](const parallel::Communicator&) { return 0; };
  if (failure) return run_on_ranks(count, arguments, nothing, failure);
  if (!asks_for_help) return std::nullopt;
  if (is_first_process()) print(set.help());
  return 0;
}

namespace {

/// Sees that what was printed of a run has been written; the file that it made is there all the same.
void finish_result(const std::filesystem::path& file) {
  finish_printing(concat(file.string(), " is complete all the same: `orrery inspect ", file.string(),
                         "` prints its numbers"));
}

/// The end of a run that has stalled: what hangs can't be waited for.
void speak_and_leave(const core::Error& error) {
  speak(error);
  parallel::Environment::leave(code_of(error.code()));
}

int trace(int& count, char**& arguments, const Words& words) {
  trace::TraceOptions options;
  TalkOptions talk;
  OptionSet set("trace", "trace", command_text("trace").usage);
  set.add(trace::option_table(options));
  set.add(option_table(talk));
  const auto check = [&] {
    options.validate();
    archive::require_no_input_at(
        options.out, {{"--model", options.model}, {"--corpus", options.corpus}, {"--config", set.config()}});
  };
  if (const auto code = parse_on_ranks(count, arguments, set, words, check)) return *code;
  core::listen_for_stop();
  if (archive::is_done_already(options.existing, options.out)) {
    if (!is_first_process()) return 0;
    trace::require_done(options);
    // It clears away what a run left that was killed when the output had its name.
    const archive::Output cleared(options.out, options.existing);
    print(concat(options.out.string(), ": complete already\n"));
    return 0;
  }
  const std::string command = command_line(count, arguments);
  const int code = run_on_ranks(count, arguments, [&](const parallel::Communicator& ranks) {
    set_talk(talk, ranks.is_root());
    const auto progress = make_progress(ranks.is_root() ? talk.progress : "none");
    run::Context context(ranks, command, options.machine, *progress, speak_and_leave);
    trace::run_trace(options, context);
    return 0;
  });
  // MPI has ended: reading a file takes a child process, which not every network under MPI bears.
  if (code == 0 && is_first_process()) {
    print(concat(report::headline_text(archive::Reader(options.out)),
                 "(± jackknife standard error over blocks of samples)\n", options.out.string(), "\n"));
    finish_result(options.out);
  }
  return code;
}

/// The sweep that is asked for, whose output is none of the model's files: the trace may be what names them.
sweep::Sweep read_sweep_apart(const sweep::PerturbOptions& options) {
  sweep::Sweep sweep = sweep::read_sweep(options);
  archive::require_no_input_at(sweep.options.out, {{"the trace's model,", sweep.options.model}});
  return sweep;
}

int perturb(int& count, char**& arguments, const Words& words) {
  sweep::PerturbOptions options;
  TalkOptions talk;
  OptionSet set("perturb", "perturb", command_text("perturb").usage);
  set.add(sweep::option_table(options));
  set.add(option_table(talk));
  const auto check = [&] {
    archive::require_no_input_at(options.out, {{"--trace", options.trace},
                                               {"--model", options.model},
                                               {"--prompts", options.prompts},
                                               {"--config", set.config()}});
  };
  if (const auto code = parse_on_ranks(count, arguments, set, words, check)) return *code;
  core::listen_for_stop();
  // Files are read before MPI starts: that takes a child process, which not every network under MPI bears.
  sweep::Sweep sweep;
  if (archive::is_done_already(options.existing, options.out, options.part)) {
    if (!is_first_process()) return 0;
    sweep = read_sweep_apart(options);
    sweep::require_done(sweep);
    // It clears away what a run left that was killed when the output had its name.
    const archive::Output cleared(options.out, options.existing, options.part);
    print(concat(options.out.string(), ": complete already\n"));
    return 0;
  }
  const std::exception_ptr failure = failure_of([&] {
    sweep = read_sweep_apart(options);
    if (options.join) sweep::require_parts(sweep);
  });
  const std::string command = command_line(count, arguments);
  const int code = run_on_ranks(
      count, arguments,
      [&](const parallel::Communicator& ranks) {
        set_talk(talk, ranks.is_root());
        const auto progress = make_progress(ranks.is_root() ? talk.progress : "none");
        run::Context context(ranks, command, options.machine, *progress, speak_and_leave);
        const auto run = options.join ? sweep::join_parts : sweep::run_perturb;
        run(sweep, context);
        return 0;
      },
      failure);
  if (code == 0 && is_first_process()) {
    if (!options.part) print(report::headline_text(archive::Reader(options.out)));
    const std::filesystem::path result =
        archive::finished_result(options.out, options.part).value_or(options.out);
    print(result.string() + "\n");
    finish_result(result);
  }
  return code;
}

int inspect(int&, char**&, const Words& words) {
  InspectForm form;
  OptionSet set("inspect", "", command_text("inspect").usage);
  set.add(option_table(form));
  set.positional("file", 1);
  if (set.parse(words)) {
    print(set.help());
    return 0;
  }
  const std::vector<std::string> given = set.words("file");
  if (given.empty())
    throw core::usage_error("orrery inspect needs a file", "nothing given", "`orrery inspect run.h5`");
  if (int{form.json} + int{form.ini} + int{form.plot} > 1) {
    throw core::usage_error("--plot, --json and --ini exclude each other", "several given",
                            "give one of them");
  }
  const archive::Reader file(given.front());
  print(text::printable_lines(form.json   ? report::summary_json(file)
                              : form.ini  ? report::options_ini(file)
                              : form.plot ? report::charts_text(file)
                                          : report::summary_text(file, given.front())));
  return 0;
}

int plan(int&, char**&, const Words& words) {
  return run_plan(words);
}

int verify(int&, char**&, const Words& words) {
  return run_verify(words);
}

int figures(int&, char**&, const Words& words) {
  return run_figures(words);
}

int doctor(int& count, char**& arguments, const Words& words) {
  DoctorOptions options;
  OptionSet set("doctor", "", command_text("doctor").usage);
  set.add(option_table(options));
  if (const auto code = parse_on_ranks(count, arguments, set, words)) return *code;
  return run_on_ranks(count, arguments, [&](const parallel::Communicator& ranks) {
    bool bad = false;
    for (const run::Finding& finding : run::examine(ranks, options.folder)) {
      const char* mark = finding.verdict == run::Finding::Verdict::good      ? "ok  "
                         : finding.verdict == run::Finding::Verdict::notable ? "note"
                                                                             : "BAD ";
      if (ranks.is_root()) {
        print(concat(mark, "  ", finding.subject, ": ", finding.seen,
                     finding.advice.empty() ? "" : " → " + finding.advice, "\n"));
      }
      bad = bad || finding.verdict == run::Finding::Verdict::bad;
    }
    return bad ? code_of(ExitCode::resources) : 0;
  });
}

int version(int&, char**&, const Words& words) {
  if (!words.empty() && words.front() != "--help") {
    throw core::usage_error("a word too many for orrery --version", words.front(), "leave it out");
  }
  print(concat("orrery ", core::program_version(), " (commit ", core::git_commit(), "), HDF5 ",
               archive::hdf5_version(), "\n"));
  return 0;
}

int help(int&, char**&, const Words& words) {
  return run_help(words);
}

struct Command {
  std::string name;  ///< as command_texts has it
  RunCommand run;
  bool on_ranks;  ///< starts MPI; the others run once, whatever the launcher starts
};

std::vector<Command> commands() {
  std::vector<Command> all = {
      {"trace", trace, true},   {"perturb", perturb, true},  {"figures", figures, false},
      {"plan", plan, false},    {"inspect", inspect, false}, {"verify", verify, false},
      {"doctor", doctor, true}, {"help", help, false},       {"--version", version, false}};
  for (const AddedCommand& added : added_commands())
    all.push_back({added.text.name, added.run, added.on_ranks});
  return all;
}

int dispatch(int& count, char**& arguments) {
  const Words words(arguments + 1, arguments + count);
  if (words.empty())
    throw core::usage_error("no command given", "orrery alone", "`orrery --help` lists the commands");
  if (words.front() == "--help" || words.front() == "-h") return is_first_process() ? run_help({}) : 0;
  for (const Command& command : commands()) {
    if (words.front() != command.name) continue;
    if (!command.on_ranks && !is_first_process()) return 0;
    return command.run(count, arguments, Words(words.begin() + 1, words.end()));
  }
  std::vector<std::string> known;
  for (const Command& command : commands()) known.emplace_back(command.name);
  const std::string near = nearest(words.front(), known);
  throw core::usage_error(
      "unknown command", words.front(),
      near.empty() ? "`orrery --help` lists the commands" : concat("did you mean orrery ", near, "?"));
}

}  // namespace

int run_program(int& argument_count, char**& arguments) {
  run::pin_products();
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is then an error of the write, with a message
  open_standard_streams();
  try {
    const int code = dispatch(argument_count, arguments);
    finish_printing("see to the disk or the pipe that it goes to, then give the command again");
    return code;
  } catch (...) {
    const core::Error error = parallel::error_in_flight("before any rank ran", 0);
    // A launcher may end all processes as soon as one ends in an error: the first one has time to speak.
    if (is_first_process()) {
      speak(error);
    } else {
      std::this_thread::sleep_for(std::chrono::seconds(2));
    }
    return code_of(error.code());
  }
}

}  // namespace orrery::cli
