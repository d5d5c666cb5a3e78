#pragma once

#include "orrery/archive/layout.hpp"

#include <cstdint>
#include <filesystem>

namespace orrery::archive {

/// Creates the whole file at `path`, replacing one that is there: every dataset at full size and contiguous,
/// its room set aside but not filled; groups, dimension scales, text, attributes; and the root attributes
/// `format`, `format_version`, `not_computed` (a line "path: reason" for each of `absent`) and `complete` =
/// 0. One rank alone calls it: variable-length data can't pass through MPI-IO. Bytes of numbers not given in
/// the layout are whatever the disk returns until SharedFile writes them. Throws io_error, or internal_error
/// where `validate` does.
void build_file(const std::filesystem::path& path, const Layout& layout);

/// Adds to a built file the datasets of `more`, with their values and scales; the groups are there. One rank
/// calls it, when no other has the file open. Throws io_error.
void append_to_file(const std::filesystem::path& path, const Layout& more);

/// Size of the file that `build_file` would make, to a few kilobytes: its metadata is built in memory, with
/// no file, and the arrays' bytes are added.
std::int64_t file_bytes(const Layout& layout);

}  // namespace orrery::archive
