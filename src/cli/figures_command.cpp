#include "figures_command.hpp"

#include "console.hpp"
#include "orrery/cli/option_set.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/log.hpp"
#include "orrery/report/figures.hpp"

namespace orrery::cli {
namespace {

constexpr int most_files = 100;

constexpr const char* figures_usage =
    "orrery figures run.h5 [sweep.h5] --out DIR\n"
    "Draws the figures of a trace and a sweep into a folder: SVG, PDF and PNG, with the data and the "
    "gnuplot\n"
    "script of each, and one page over all, index.html. Several traces are drawn over each other.";

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
  namespace po = boost::program_options;
  report::FigureOptions options;
  std::string out, only, format;
  bool list = false;
  OptionSet set("figures", "", figures_usage);
  auto add = set.group("Figures").add_options();
  add("out", po::value(&out)->value_name("DIR"),
      "folder for them, made where it is missing; files of the same names (of links the link itself) are "
      "replaced, no others touched, and none that is drawn");
  add("only", po::value(&only)->value_name("NAMES"), "these figures alone, and no page: names by commas");
  add("format", po::value(&format)->value_name("FORMATS"),
      "svg, pdf, png, or some of them by commas; all by default");
  add("list", po::bool_switch(&list), "prints the names of all figures, and what each is of");
  set.positional("file", most_files);
  if (set.parse(words)) {
    print(set.help());
    return 0;
  }
  if (list) {
    print(report::list_of_figures());
    return 0;
  }
  options.out = out;
  options.only = parts_of(only);
  options.formats = parts_of(format);
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
