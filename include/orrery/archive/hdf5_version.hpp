#pragma once

#include <string>

namespace orrery::archive {

/// "1.10.8": the HDF5 library that runs.
std::string hdf5_version();

}  // namespace orrery::archive
