#pragma once

#include <filesystem>

namespace orrery::archive {

/// What a file is opened for.
enum class Use { read, write };

/// Whether HDF5 is to lock a file, as it does with flock(2): false where the file system has no locks, as
/// some NFS and Lustre mounts, so that there is nothing to do but to go on without. Throws io_error, naming
/// who it is where the kernel tells, where another program has the file open and locked: that it is written
/// just now is never overlooked. HDF5_USE_FILE_LOCKING, where the user has set it, has the last word.
bool can_be_locked(const std::filesystem::path& path, Use use);

}  // namespace orrery::archive
