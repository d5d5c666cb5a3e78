#include "figures_command.hpp"

#include "console.hpp"
#include "orrery/cli/commands.hpp"
#include "orrery/cli/option_set.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/log.hpp"
#include "orrery/report/figures.hpp"

namespace orrery::cli {
namespace {

constexpr int most_files = 100;

/// "a,b" in its parts.
std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; !list.empty() && begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    parts.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace

int run_figures(const std::vector<std::string>& words) {
  report::FigureOptions options;
  FigureWords given;
  OptionSet set("figures", "", command_text("figures").usage);
  set.add(option_table(given));
  set.positional("file", most_files);
  if (set.parse(words)) {
    print(set.help());
    return 0;
  }
  if (given.list) {
    print(report::list_of_figures());
    return 0;
  }
  options.out = given.out;
  options.only = parts_of(given.only);
  options.formats = parts_of(given.formats);
  const std::vector<std::string> files = set.words("file");
  const report::FigureReport report = report::draw_figures({files.begin(), files.end()}, options);
  for (const std::string& line : report.left_out) core::log_warn(core::concat("not drawn: ", line));
  for (const std::string& line : report.failed) core::log_warn(core::concat("could not be drawn: ", line));
  print(core::concat(report.page.empty() ? options.out.string() : report.page.string(), "\n"));
  if (!report.failed.empty()) {
    // Not 0: the folder lacks what was asked for. All else is there, and the page.
    std::string names;
    for (const std::string& line : report.failed)
      names += core::concat(names.empty() ? "" : ", ", line.substr(0, line.find(':')));
    throw core::internal_error(core::concat("figures that could not be drawn: ", report.failed.size()), names,
                               "the others are there; please report it with the .gp and .dat of these");
  }
  if (!report.without_gnuplot) return 0;
  throw core::Error(core::ExitCode::helper_missing, "gnuplot is missing", "not in PATH",
                    "install it (Debian: gnuplot-nox); the data and the scripts are written");
}

}  // namespace orrery::cli
