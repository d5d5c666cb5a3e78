// For sanitized programs: keeps leaks of other libraries out where no suppression of leaks.supp can tell them
// from ours, since the frames that are to be had of them have no names.
#include <cstddef>
#include <dlfcn.h>
#include <sanitizer/lsan_interface.h>

/// Open MPI closes its modules before leaks are looked for, and what one left would come from nowhere: they
/// stay loaded.
int dlclose(void*) noexcept {
  return 0;
}

/// HDF5 1.10.8 forgets a block of its free lists for some damaged files that it refuses. It calls its own
/// function through this one.
extern "C" void* H5FL_blk_malloc(void* list, std::size_t bytes) {
  using Function = void*(void*, std::size_t);
  static auto* const of_hdf5 = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, "H5FL_blk_malloc"));
  __lsan_disable();
  void* const block = of_hdf5(list, bytes);
  __lsan_enable();
  return block;
}
