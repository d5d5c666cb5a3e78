#include "orrery/report/figures.hpp"

#include "gnuplot.hpp"
#include "gnuplot_script.hpp"
#include "orrery/archive/inputs.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "page.hpp"
#include "recipe.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <future>
#include <map>
#include <optional>
#include <stdlib.h>
#include <thread>
#include <unistd.h>

namespace orrery::report {
namespace {

namespace fs = std::filesystem;
using core::concat;

constexpr const char* page_file = "index.html";

bool holds(const std::vector<std::string>& all, const std::string& one) {
  return std::ranges::find(all, one) != all.end();
}

/// A folder inside the output's, in which files are made before they get their names; it goes with all that
/// is left in it.
class Workshop {
 public:
  explicit Workshop(const fs::path& out) {
    std::error_code error;
    fs::create_directories(out, error);
    std::string pattern = (out / ".figures-XXXXXX").string();
    if (error || ::mkdtemp(pattern.data()) == nullptr) {
      if (error) errno = error.value();
      throw core::system_error("the figures' folder can't be written", out.string(),
                               "see to its rights, or give another --out");
    }
    path_ = pattern;
  }
  ~Workshop() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;
  const fs::path& path() const { return path_; }

  void write(const std::string& name, const std::string& text) const {
    const fs::path path = path_ / name;
    std::ofstream file(path, std::ios::binary);
    file.write(text.data(), std::ssize(text));
    file.close();
    if (!file)
      throw core::system_error("a figure can't be written", path.string(), "see to the disk's space");
  }

 private:
  fs::path path_;
};

FigureInput read(const std::vector<fs::path>& files) {
  FigureInput input;
  std::map<std::string, std::int64_t> of_name;
  for (const fs::path& file : files) {
    Run run(file);
    if (!run.is_sweep()) {
      if (const std::int64_t place = ++of_name[run.label()]; place > 1) run.number_label(place);
      input.traces.push_back(std::move(run));
    } else if (input.sweep) {
      throw core::usage_error("two sweeps are given", file.string(), "give one");
    } else {
      input.sweep.emplace(std::move(run));
    }
  }
  if (!input.sweep && input.traces.empty()) {
    throw core::usage_error("no file is given", "orrery figures needs one",
                            "`orrery figures run.h5 --out DIR`");
  }
  return input;
}

/// Why the figure can't be drawn of these files; nothing where it can.
std::string obstacle(const Recipe& recipe, const FigureInput& input) {
  if (recipe.source == Source::sweep && !input.sweep) return "no sweep was given";
  if (recipe.source == Source::trace && input.traces.empty()) return "no trace was given";
  const Run& run = recipe.source == Source::sweep ? *input.sweep : input.trace();
  for (const std::string& dataset : recipe.needs) {
    if (!run.has(dataset)) return concat("the file has no ", dataset);
  }
  return "";
}

/// What became of the figures that could not be drawn.
struct Outcome {
  std::vector<std::string> failed{};  ///< "NAME: why", in the figures' order
  bool without_gnuplot = false;
};

/// Draws all figures, a gnuplot a core. One that gnuplot can't draw leaves the others as they are, and none
/// of its pictures.
Outcome draw_all(const fs::path& folder, const std::vector<Figure>& figures,
                 const std::vector<std::string>& formats) {
  std::vector<std::string> why(figures.size());
  const auto draw_one = [&](std::size_t i) {
    try {
      draw(folder, figures[i], formats);
    } catch (const core::Error& error) {
      if (error.code() != core::ExitCode::internal) throw;
      why[i] = concat(figures[i].name, ": ", error.what());
      std::error_code ignored;
      for (const std::string& format : picture_formats())
        fs::remove(folder / concat(figures[i].name, ".", format), ignored);
    }
  };
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < figures.size(); i = next++) draw_one(i);
  };
  std::vector<std::future<void>> workers;
  for (unsigned i = 0; i < std::clamp(std::thread::hardware_concurrency(), 1U, 8U); ++i)
    workers.push_back(std::async(std::launch::async, work));
  Outcome outcome;
  std::optional<core::Error> first;
  for (std::future<void>& worker : workers) {
    try {
      worker.get();
    } catch (const core::Error& error) {
      if (error.code() == core::ExitCode::helper_missing) {
        outcome.without_gnuplot = true;
      } else if (!first) {
        first = error;
      }
    }
  }
  if (first) throw core::Error(*first);
  std::erase(why, "");
  outcome.failed = std::move(why);
  return outcome;
}

/// The files that a figure of this name may have left in the folder.
std::vector<std::string> files_of(const std::string& name) {
  std::vector<std::string> files = {name + ".dat", name + ".gp"};
  for (const std::string& format : picture_formats()) files.push_back(concat(name, ".", format));
  return files;
}

/// Throws where the folder, or a file that may be put or removed in it, is one of those that are drawn.
void require_apart(const fs::path& out, const std::vector<fs::path>& files) {
  std::vector<fs::path> written = {out, out / page_file};
  for (const Recipe& recipe : recipes()) {
    for (const std::string& file : files_of(recipe.name)) written.push_back(out / file);
  }
  std::vector<archive::Input> inputs;
  for (const fs::path& file : files) inputs.push_back({"the file", file});
  archive::require_no_input(written, inputs);
}

/// Moves what was made into the folder, and removes what an earlier run left of the figures of `names`.
void publish(const fs::path& out, const Workshop& workshop, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    for (const std::string& file : files_of(name)) {
      if (!fs::exists(workshop.path() / file)) ::unlink((out / file).c_str());
    }
  }
  for (const fs::directory_entry& made : fs::directory_iterator(workshop.path())) {
    const fs::path target = out / made.path().filename();
    if (::rename(made.path().c_str(), target.c_str()) != 0) {
      throw core::system_error("a figure can't be put into its folder", target.string(),
                               "see to the folder's rights");
    }
  }
}

}  // namespace

void FigureOptions::validate() const {
  if (out.empty()) throw core::usage_error("no folder is given", "--out is missing", "give --out DIR");
  for (const std::string& name : only) {
    if (std::ranges::none_of(recipes(), [&](const Recipe& recipe) { return recipe.name == name; }))
      throw core::usage_error("there is no such figure", name, "`orrery figures --list` names them all");
  }
  for (const std::string& format : formats) {
    if (!holds(picture_formats(), format))
      throw core::usage_error("there is no such format", format, "give svg, pdf, png, or some of them");
  }
}

std::string list_of_figures() {
  std::string text;
  for (const Recipe& recipe : recipes()) {
    std::string name = recipe.name;
    name.resize(20, ' ');
    text += concat(name, recipe.source == Source::trace ? "trace  " : "sweep  ", recipe.title, "\n");
  }
  return text;
}

FigureReport draw_figures(const std::vector<fs::path>& files, const FigureOptions& options) {
  options.validate();
  const FigureInput input = read(files);
  require_apart(options.out, files);
  const Workshop workshop(options.out);
  FigureReport report;
  std::vector<Figure> figures;
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes()) {
    if (!options.only.empty() && !holds(options.only, recipe.name)) continue;
    names.push_back(recipe.name);
    if (const std::string why = obstacle(recipe, input); !why.empty()) {
      report.left_out.push_back(concat(recipe.name, ": ", why));
      continue;
    }
    try {
      figures.push_back(make_figure(recipe, input));
    } catch (const core::Error&) {
      throw;
    } catch (const std::exception& error) {  // a fault of ours, of this figure alone
      report.failed.push_back(concat(recipe.name, ": ", error.what()));
      continue;
    }
    workshop.write(recipe.name + ".dat", data_text(figures.back()));
    workshop.write(recipe.name + ".gp", script_text(figures.back()));
    report.drawn.push_back(recipe.name);
  }
  const Outcome outcome =
      draw_all(workshop.path(), figures, options.formats.empty() ? picture_formats() : options.formats);
  report.without_gnuplot = outcome.without_gnuplot;
  report.failed.insert(report.failed.end(), outcome.failed.begin(), outcome.failed.end());
  for (const std::string& line : report.failed) std::erase(report.drawn, line.substr(0, line.find(':')));
  if (options.only.empty()) {
    std::vector<std::string> not_drawn = report.failed;
    not_drawn.insert(not_drawn.end(), report.left_out.begin(), report.left_out.end());
    workshop.write(page_file, page_text(input, figures, not_drawn, workshop.path()));
    report.page = options.out / page_file;
  }
  publish(options.out, workshop, names);
  return report;
}

}  // namespace orrery::report
