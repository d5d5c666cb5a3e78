#pragma once

#include <filesystem>

namespace orrery::archive {

// HDF5 changes a file's metadata (superblock, object headers, attributes: all but the raw data of datasets)
// in several places, one after the other. A process killed between two of them leaves a file that can't be
// opened, and all its numbers are lost. So the metadata is copied beside the file before the last attributes
// are written, and a run that resumes the work puts it back.

/// Copies the metadata of the file that `build_file` made to `copy`, whole and on disk when this returns. One
/// rank calls it, when no other has the file open. Throws io_error.
void save_metadata(const std::filesystem::path& file, const std::filesystem::path& copy);

/// Writes the metadata in `copy` back into `file`, whose raw data stays as it is. Throws bad_input where the
/// copy is damaged or of a longer file, io_error where the file can't be written.
void restore_metadata(const std::filesystem::path& file, const std::filesystem::path& copy);

}  // namespace orrery::archive
