#include "rotation_figures.hpp"

namespace orrery::report {

std::vector<Recipe> rotation_figures() {
  return {};
}

}  // namespace orrery::report
