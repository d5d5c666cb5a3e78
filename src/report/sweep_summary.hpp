#pragma once

#include "orrery/archive/reader.hpp"

#include <string>

namespace orrery::report {

/// The headline of a sweep file as a table a person reads, from /summary alone: what becomes of the streams
/// of each case and start layer, and what the columns mean. Throws bad_input where the file's numbers are not
/// as many as its cases and start layers.
std::string sweep_headline_text(const archive::Reader& file);

}  // namespace orrery::report
