#include "verify_command.hpp"

#include "console.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/cli/option_set.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/text/printable.hpp"
#include "orrery/verify/compare.hpp"
#include "orrery/verify/verify.hpp"

#include <cmath>

namespace orrery::cli {
namespace {

using core::concat;

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
    "job_id, libraries, model_name, prompts_name, ranks, threads; of config, though, only the options\n"
    "checkpoint-every, corpus, join, log-level, model, order, out, overwrite, part, progress, resume,\n"
    "stall-minutes, threads, trace, and where a file of prompts lies. An option or attribute that an "
    "earlier\n"
    "version didn't record is as its default.\n"
    "\n"
    "Exit code 0: sound, or the same; 1: damage, or a difference; 65: a file that can't be read.";

int verify_one(const std::string& path) {
  const archive::Reader file(path, archive::Incomplete::accept);
  const bool sound = verify::verify_file(file, [](const verify::Check& check) {
    const std::string line = text::printable_lines(concat(check.subject, ": ", check.seen));
    print(concat(check.passed ? "ok    " : "FAILED", "  ", line, "\n"));
  });
  print(concat(path, ": ", sound ? "sound" : "damaged", "\n"));
  return static_cast<int>(sound ? core::ExitCode::done : core::ExitCode::difference);
}

int compare_two(const std::vector<std::string>& paths, const verify::CompareOptions& options) {
  const archive::Reader one(paths[0]);
  const archive::Reader other(paths[1]);
  const verify::Comparison found = verify::compare_files(one, other, options);
  for (const std::string& line : found.differences) print(text::printable_lines(line) + "\n");
  const std::string verdict =
      found.differences.empty()
          ? std::string(options.tolerance ? "the same within the tolerance" : "the same")
          : concat(found.differences.size(), " differences");
  print(concat(verdict, ": ", found.datasets, " datasets of ", found.entries, " entries and ",
               found.attributes, " attributes compared\n"));
  return static_cast<int>(found.differences.empty() ? core::ExitCode::done : core::ExitCode::difference);
}

}  // namespace

int run_verify(const std::vector<std::string>& words) {
  verify::CompareOptions options;
  OptionSet set("verify", "", verify_usage);
  auto add = set.group("Two files").add_options();
  add("tolerance", boost::program_options::value<double>()->value_name("T")->notifier([&](double value) {
    options.tolerance = value;
  }),
      "compare numbers: real ones may differ by T times the largest magnitude that their dataset has in "
      "either file (an attribute: T times the larger of the two); NaN equals NaN; whole numbers and texts "
      "stay exact");
  add("common", boost::program_options::bool_switch(&options.common),
      "only datasets that both files have, and numbers among the attributes that both have: for runs that "
      "differ on purpose, such as kept rows and streamed ones");
  set.positional("file", 2);
  if (set.parse(words)) {
    print(set.help());
    return 0;
  }
  const std::vector<std::string> files = set.words("file");
  if (files.empty()) {
    throw core::usage_error("orrery verify needs a file", "nothing given", "`orrery verify run.h5`");
  }
  if (options.tolerance && !(std::isfinite(*options.tolerance) && *options.tolerance >= 0)) {
    throw core::usage_error("--tolerance is out of range", concat(*options.tolerance),
                            "give a number from 0 on, such as 1e-6");
  }
  if (files.size() == 1 && (options.tolerance || options.common)) {
    throw core::usage_error("--tolerance and --common are for two files", files.front(),
                            "name the other file, or leave them out");
  }
  return files.size() == 1 ? verify_one(files.front()) : compare_two(files, options);
}

}  // namespace orrery::cli
