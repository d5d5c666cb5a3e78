#pragma once

#include <filesystem>

namespace orrery::archive {

// HDF5 changes a file's skeleton (its superblock, object headers, attributes: all but the entries of
// datasets) at several places, one after the other: a process that is killed between two of them leaves a
// file that can't be opened, and all its numbers are lost. So before the last attributes are written, the
// skeleton is kept beside the file, and a run that resumes the work puts it back.

/// Copies the skeleton of the file that `build_file` made to `copy`, whole and on disk when this returns. One
/// rank calls it, when no other has the file open. Throws io_error.
void keep_skeleton(const std::filesystem::path& file, const std::filesystem::path& copy);

/// Makes the skeleton of `file` that of `copy` again; the entries of its datasets stay as they are. Throws
/// bad_input where the copy is damaged or of a longer file, io_error where it can't be written.
void restore_skeleton(const std::filesystem::path& file, const std::filesystem::path& copy);

}  // namespace orrery::archive
