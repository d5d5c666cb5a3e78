#pragma once

#include <string>

namespace orrery::run {

/// "Open MPI v4.1.4, HDF5 1.10.8, LibTorch 2.13.0, …": what this binary runs with. MPI must be running.
std::string libraries();

}  // namespace orrery::run
