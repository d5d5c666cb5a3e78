#include "orrery/study/libraries.hpp"

#include "orrery/archive/hdf5_version.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/parallel/environment.hpp"

#include <torch/headeronly/version.h>

namespace orrery::study {

std::string libraries() {
  return core::concat(parallel::Environment::library_version(), "; HDF5 ", archive::hdf5_version(),
                      "; LibTorch ", TORCH_VERSION);
}

}  // namespace orrery::study
