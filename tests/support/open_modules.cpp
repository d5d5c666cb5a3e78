// For sanitized programs: modules that a library has loaded stay loaded. Open MPI closes its own before leaks
// are looked for, and what one of them left would then come from a place without a name, which no suppression
// can tell from ours.
#include <dlfcn.h>

int dlclose(void*) noexcept {
  return 0;
}
