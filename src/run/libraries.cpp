#include "orrery/run/libraries.hpp"

#include "orrery/archive/hdf5_version.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/parallel/environment.hpp"

#include <ATen/Version.h>
#include <torch/headeronly/version.h>

#include <gnu/libc-version.h>

namespace orrery::run {

std::string libraries() {
  // One version of LibTorch comes with several of the libraries that do its products.
  return core::concat(parallel::Environment::library_version(), "; HDF5 ", archive::hdf5_version(),
                      "; LibTorch ", TORCH_VERSION, "; ", at::get_mkl_version(), "; ",
                      at::get_mkldnn_version(), "; glibc ", gnu_get_libc_version());
}

}  // namespace orrery::run
