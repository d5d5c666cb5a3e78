#pragma once

#include "orrery/archive/reader.hpp"

#include <string>
#include <vector>

namespace orrery::report {

/// The headline of a sweep file, from /summary alone: what becomes of the streams of each case and start
/// layer. The first line has the headings; nothing where no perturbations ran. Throws bad_input where the
/// file's numbers are not as many as its cases and start layers. The terminal and the page show this.
std::vector<std::vector<std::string>> sweep_headline(const archive::Reader& file);

/// What its columns mean, a note each; a line may break at a '\n'.
std::vector<std::string> sweep_notes(const archive::Reader& file);

/// The headline of a sweep file as a table a person reads, and what the columns mean. Throws as
/// `sweep_headline`.
std::string sweep_headline_text(const archive::Reader& file);

}  // namespace orrery::report
