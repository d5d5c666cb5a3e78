#include "dimension_figures.hpp"

namespace orrery::report {

std::vector<Recipe> dimension_figures() {
  return {};
}

}  // namespace orrery::report
