#include "orrery/archive/hdf5_version.hpp"

#include "hdf5_handle.hpp"
#include "orrery/core/concat.hpp"

namespace orrery::archive {

std::string hdf5_version() {
  start_library();
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  return core::concat(major, ".", minor, ".", release);
}

}  // namespace orrery::archive
