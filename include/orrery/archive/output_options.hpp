#pragma once

#include "orrery/archive/output.hpp"
#include "orrery/core/option_table.hpp"

namespace orrery::archive {

inline constexpr const char* out_help =
    "HDF5 file to write, and none that is read; a symbolic link there counts as a file that is there: "
    "--overwrite replaces the link, and what it points to stays";

/// --config, which the command line's parser reads.
void add_config_option(core::OptionTable& table);
/// --overwrite and --resume: what to do where the output, or work on it, is there.
void add_existing_options(core::OptionTable& table, Existing& existing);

}  // namespace orrery::archive
