#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace orrery::report {

/// What `orrery figures` is asked for.
struct FigureOptions {
  std::filesystem::path out;           ///< a folder; made where it is missing
  std::vector<std::string> only{};     ///< names of figures; empty: all
  std::vector<std::string> formats{};  ///< of svg, pdf and png; empty: all

  /// Throws usage_error for a name or format that there is not, naming the nearest that there is.
  void validate() const;
};

/// The figures that there are, a line each: name, of what file, title.
std::string list_of_figures();

/// What was made in the folder.
struct FigureReport {
  std::vector<std::string> drawn;     ///< names, in order
  std::vector<std::string> left_out;  ///< "NAME: why", for each that can't be drawn of these files
  std::vector<std::string> failed{};  ///< "NAME: why", for each at which gnuplot, or we, failed
  bool without_gnuplot = false;       ///< then data and scripts alone were written
  std::filesystem::path page{};       ///< index.html; empty with `only`
};

/// Draws the figures of these files (one or more traces, at most one sweep) into the folder: NAME.dat,
/// NAME.gp and a picture of each format, and index.html over all. Replaces its own files and touches no
/// others; the same input gives the same bytes. A figure that fails leaves the page and the others, and the
/// page names it; its data and script are kept. Throws bad_input where a file can't be read, is not complete
/// or not of ours, usage_error where there is no trace or sweep among them or more than one sweep, io_error
/// where the folder can't be written.
FigureReport draw_figures(const std::vector<std::filesystem::path>& files, const FigureOptions& options);

}  // namespace orrery::report
