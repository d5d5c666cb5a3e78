#include "permutation.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <vector>

namespace orrery::statistics {

void check_permutation(std::span<const std::int64_t> places, std::int64_t count) {
  std::vector<bool> seen(count);
  for (const std::int64_t place : places) {
    if (place >= 0 && place < count) seen[place] = true;
  }
  std::int64_t found = 0;
  for (const bool one : seen) found += one ? 1 : 0;
  if (found == count && std::ssize(places) == count) return;
  throw core::internal_error("a control's order is not a permutation",
                             core::concat(places.size(), " places, ", found, " of ", count, " shown"),
                             "please report it with the command line");
}

}  // namespace orrery::statistics
