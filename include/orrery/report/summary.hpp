#pragma once

#include "orrery/archive/reader.hpp"

#include <string>

namespace orrery::report {

/// The headline numbers of a file as a table a person reads: of a trace, with their standard errors and
/// nulls; of a sweep, what becomes of the streams of each case and start layer. Throws bad_input where a
/// sweep's numbers are not as many as its cases and start layers.
std::string headline_text(const archive::Reader& file);

/// What `orrery inspect FILE` prints: where the file comes from, the headline, and its datasets.
std::string summary_text(const archive::Reader& file, const std::string& name);

/// The same as JSON: attributes by object, datasets with shape, type, dimensions, long_name and units. NaN is
/// null.
std::string summary_json(const archive::Reader& file);

/// The options that made the file, as an INI file that repeats the run. Throws bad_input where it has none.
std::string options_ini(const archive::Reader& file);

}  // namespace orrery::report
