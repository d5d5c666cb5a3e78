#pragma once

#include "orrery/parallel/communicator.hpp"

#include <filesystem>

namespace orrery::archive {

/// Collective: all ranks write one small file in `folder` by one collective call of parallel HDF5, read it
/// back, and remove it. Returns whether HDF5 says that the write really was collective. Throws AgreedError
/// with io where the folder can't be written or another number comes back.
bool probe_collective_write(const parallel::Communicator& ranks, const std::filesystem::path& folder);

}  // namespace orrery::archive
