#include "verify_command.hpp"

#include "console.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/cli/commands.hpp"
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
  options.free_options = all_free_options();
  OptionSet set("verify", "", command_text("verify").usage);
  set.add(option_table(options));
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
