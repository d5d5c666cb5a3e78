#pragma once

#include "orrery/archive/layout.hpp"

#include <filesystem>
#include <vector>

namespace orrery::archive {

/// Writes attributes that are known only at the end, replacing those of the same name. One rank calls it,
/// when no other has the file open. Throws io_error; internal_error for `complete`, which is
/// `mark_complete`'s.
void set_attributes(const std::filesystem::path& path, const std::vector<Attribute>& attributes);

/// Sets the root attribute `complete` to 1: the last write of all. What was written before is on disk first.
/// One rank calls it. Throws io_error.
void mark_complete(const std::filesystem::path& path);

}  // namespace orrery::archive
